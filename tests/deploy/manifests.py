"""What the overlays for Kubernetes render to, as plain trees."""

import base64
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from deploy.local.roles import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("dev", "production", "keda")
# The `kubectl` of the lock: another one of this machine may be older than the files are.
KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"
SECRET_TEMPLATE = KUBERNETES / "overlays" / "production" / "secret.template.yaml"

Tree = Mapping[str, Any]


class Pod(NamedTuple):
    """The pods of a workload: who makes them, their labels and their specification."""

    name: str
    kind: str
    labels: Mapping[str, str]
    spec: Tree

    @property
    def container(self) -> Tree:
        (container,) = self.spec["containers"]
        return dict(container)


@cache
def render(overlay: str) -> Sequence[Tree]:
    """Render an overlay of ours, or one at an absolute path; raise `RuntimeError` with what kubectl says."""
    done = subprocess.run(
        [KUBECTL, "kustomize", KUBERNETES / "overlays" / overlay], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(f"{overlay}: {done.stderr}")
    return tuple(yaml.load_all(done.stdout, yaml.CSafeLoader))


def of_kind(overlay: str, *kinds: str) -> list[Tree]:
    """Return what an overlay renders of these kinds."""
    return [each for each in render(overlay) if each["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Tree:
    """Return the one object of that kind and name."""
    (found,) = [each for each in of_kind(overlay, kind) if each["metadata"]["name"] == name]
    return found


def pods(overlay: str) -> list[Pod]:
    """Return all that makes pods."""
    return [
        Pod(each["metadata"]["name"], each["kind"], template["metadata"]["labels"], template["spec"])
        for each in of_kind(overlay, "Deployment", "StatefulSet", "Job")
        for template in [each["spec"]["template"]]
    ]


def ours(overlay: str) -> list[Pod]:
    """Return the pods that run our code."""
    return [pod for pod in pods(overlay) if pod.container["name"] == "usermessage"]


def secrets(overlay: str) -> Mapping[str, Mapping[str, str]]:
    """Return the Secrets that an overlay has or says how to make, by name, with their texts."""
    found = of_kind(overlay, "Secret") or [yaml.safe_load(SECRET_TEMPLATE.read_text(encoding="utf-8"))]
    return {each["metadata"]["name"]: _texts(each) for each in found}


def environment(overlay: str, pod: Pod) -> dict[str, str]:
    """Return the environment of the pod's container."""
    found: dict[str, str] = {}
    for source in pod.container.get("envFrom", []):
        found |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {each["name"]: each["value"] for each in pod.container.get("env", [])}


def files(overlay: str, pod: Pod) -> dict[str, str]:
    """Return the content of each file that is mounted from a Secret or a ConfigMap of the overlay, by its path."""
    volumes = {each["name"]: each for each in pod.spec.get("volumes", [])}
    found: dict[str, str] = {}
    for mount in pod.container.get("volumeMounts", []):
        texts = _mounted(overlay, volumes.get(mount["name"], {}))
        found |= {f"{mount['mountPath']}/{name}": text for name, text in texts}
    return found


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels fit a selector of equalities."""
    return selector.items() <= labels.items()


def _mounted(overlay: str, volume: Tree) -> Iterator[tuple[str, str]]:
    if "configMap" in volume and not _is_left_out(overlay, volume["configMap"]):
        yield from named(overlay, "ConfigMap", volume["configMap"]["name"])["data"].items()
    elif "secret" in volume and not volume["secret"].get("optional"):
        texts = secrets(overlay)[volume["secret"]["secretName"]]
        for item in volume["secret"]["items"]:
            yield item["path"], texts[item["key"]]


def _is_left_out(overlay: str, source: Tree) -> bool:
    return bool(source.get("optional")) and source["name"] not in {
        each["metadata"]["name"] for each in of_kind(overlay, "ConfigMap")
    }


def _texts(secret: Tree) -> Mapping[str, str]:
    return {
        **{name: base64.b64decode(data).decode() for name, data in secret.get("data", {}).items()},
        **secret.get("stringData", {}),
    }
