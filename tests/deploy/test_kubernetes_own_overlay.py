"""An overlay of an installation, as deploy/README.md says to make one: images, settings, carriers, authorities."""

import os
from pathlib import Path

import pytest
import yaml

from deploy.local.roles import ROLES
from tests.deploy.manifests import KUBERNETES, environment, files, of_kind, pods

IMAGES = (*ROLES, "cli")
AUTHORITY = "/etc/usermessage/authorities/ca.pem"
CARRIERS = "/etc/usermessage/carriers/carriers.toml"


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of an overlay on top of `keda`."""
    folder = tmp_path_factory.mktemp("overlay").resolve()
    step = {"labels": {"rollout-step": "settings"}}
    (folder / "carriers.toml").write_text("# ours\n", encoding="utf-8")
    (folder / "ca.pem").write_text("an authority\n", encoding="utf-8")
    images = [{"name": f"usermessage-{each}", "newName": f"hub.example.org/{each}", "newTag": "7"} for each in IMAGES]
    kustomization = {
        "namespace": "usermessage",
        "resources": [_relative("overlays/keda", folder)],
        "components": [_relative("carriers", folder)],
        "images": images,
        "configMapGenerator": [
            {"name": "settings", "behavior": "merge", "literals": [f"OPENSEARCH_CA={AUTHORITY}"]},
            {"name": "carriers", "files": ["carriers.toml"], "options": step},
            {"name": "authorities", "files": ["ca.pem"], "options": step},
        ],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return str(folder)


def test_it_names_the_images(overlay: str) -> None:
    images = {pod.container["image"] for pod in pods(overlay)}
    assert images == {f"hub.example.org/{each}:7" for each in IMAGES}


def test_its_settings_come_on_top(overlay: str) -> None:
    for pod in pods(overlay):
        assert environment(overlay, pod)["OPENSEARCH_CA"] == AUTHORITY
        assert environment(overlay, pod)["SEARCH_BACKEND"] == "opensearch"


def test_every_pod_has_the_authorities(overlay: str) -> None:
    for pod in pods(overlay):
        assert files(overlay, pod)[AUTHORITY] == "an authority\n", pod.name


def test_delivery_alone_has_the_carriers(overlay: str) -> None:
    with_carriers = [pod for pod in pods(overlay) if CARRIERS in files(overlay, pod)]
    assert [pod.name for pod in with_carriers] == ["delivery"]
    assert environment(overlay, with_carriers[0])["CARRIERS_FILE"] == CARRIERS


def test_what_it_adds_is_applied_too(overlay: str) -> None:
    assert all(each["metadata"]["labels"]["rollout-step"] == "settings" for each in of_kind(overlay, "ConfigMap"))


def _relative(path: str, folder: Path) -> str:
    return os.path.relpath(KUBERNETES / path, folder)
