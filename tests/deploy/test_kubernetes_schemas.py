"""Each overlay renders, and what it renders is what Kubernetes and its extensions take."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.deploy.manifests import KUBERNETES, OVERLAYS, SECRET_TEMPLATE, Tree, named, render

SCHEMAS = Path(__file__).parent / "schemas"
# The oldest that deploy/README.md names, and the newest that the package knows.
VERSIONS = ("1.30", kubernetes_validate.latest_version())


def check(manifest: Tree, version: str) -> None:
    """Raise `ValidationError` for what is not in the schema of the manifest's kind, or has the wrong type."""
    own = SCHEMAS / f"{manifest['kind'].lower()}.{manifest['apiVersion'].replace('/', '-')}.json"
    if own.exists():
        jsonschema.validate(manifest, json.loads(own.read_text(encoding="utf-8")))
    else:
        kubernetes_validate.validate(dict(manifest), version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_overlay_fits_the_schemas(overlay: str, version: str) -> None:
    for manifest in render(overlay):
        check(manifest, version)


def test_every_overlay_is_tested() -> None:
    assert sorted(each.name for each in (KUBERNETES / "overlays").iterdir()) == sorted(OVERLAYS)


def test_the_template_of_the_secret_fits_its_schema() -> None:
    check(yaml.safe_load(SECRET_TEMPLATE.read_text(encoding="utf-8")), VERSIONS[0])


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("Deployment", "gateway", ("spec", "template", "spec")),
        ("HorizontalPodAutoscaler", "gateway", ("spec",)),
        ("ServiceMonitor", "usermessage", ("spec",)),
        ("ScaledObject", "messages", ("spec",)),
        ("TriggerAuthentication", "broker", ("spec",)),
    ],
)
def test_a_word_that_nobody_knows_is_refused(kind: str, name: str, path: tuple[str, ...]) -> None:
    manifest = deepcopy(dict(named("keda", kind, name)))
    place: dict[str, Any] = manifest
    for part in path:
        place = place[part]
    place["replicaCount"] = 3
    with pytest.raises(jsonschema.ValidationError, match="replicaCount"):
        check(manifest, VERSIONS[-1])


def test_numbers_in_a_trigger_are_texts() -> None:
    manifest = deepcopy(dict(named("keda", "ScaledObject", "messages")))
    manifest["spec"]["triggers"][0]["metadata"]["threshold"] = 50
    with pytest.raises(jsonschema.ValidationError):
        check(manifest, VERSIONS[-1])
