"""Every pod of every overlay keeps every control of the restricted Pod Security Standard."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.deploy.manifests import OVERLAYS, Pod, named, pods
from tests.deploy.pod_security import CONTROLS, Checked

# What breaks each control: set in the pod's specification (`spec`) or in its container (`container`).
BREAKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "baseline: HostProcess": ("spec", {"securityContext": {"windowsOptions": {"hostProcess": True}}}),
    "baseline: Host Namespaces": ("spec", {"hostPID": True}),
    "baseline: Privileged Containers": ("container", {"securityContext": {"privileged": True}}),
    "baseline: HostPath Volumes": ("spec", {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}),
    "baseline: Host Ports": ("container", {"ports": [{"containerPort": 8080, "hostPort": 8080}]}),
    "baseline: Host Probes / Lifecycle Hooks": (
        "container",
        {"livenessProbe": {"httpGet": {"host": "192.0.2.1", "port": 80}}},
    ),
    "baseline: AppArmor": ("container", {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}),
    "baseline: SELinux": ("container", {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}),
    "baseline: /proc Mount Type": ("container", {"securityContext": {"procMount": "Unmasked"}}),
    "baseline: Sysctls": ("spec", {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]}}),
    "restricted: Volume Types": ("spec", {"volumes": [{"name": "old", "nfs": {"server": "a", "path": "/"}}]}),
    "restricted: Privilege Escalation": ("container", {"securityContext": {}}),
    "restricted: Running as Non-root": ("spec", {"securityContext": {}}),
    "restricted: Running as Non-root user": ("container", {"securityContext": {"runAsUser": 0}}),
    "restricted: Seccomp": ("spec", {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}),
    "restricted: Capabilities": (
        "container",
        {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}},
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_keep_the_control(overlay: str, control: str) -> None:
    broken = {pod.name: list(CONTROLS[control](Checked(pod.spec))) for pod in pods(overlay)}
    assert broken
    assert not any(broken.values()), broken


@pytest.mark.parametrize("control", CONTROLS)
def test_a_pod_that_breaks_the_control_is_found(control: str) -> None:
    place, change = BREAKS[control]
    spec = deepcopy(dict(_gateway().spec))
    (spec if place == "spec" else spec["containers"][0]).update(change)
    assert list(CONTROLS[control](Checked(spec)))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cluster_holds_pods_to_it(overlay: str) -> None:
    labels = named(overlay, "Namespace", "usermessage")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_may_call_the_cluster_or_hears_of_its_services(overlay: str) -> None:
    for pod in pods(overlay):
        assert pod.spec["automountServiceAccountToken"] is False, pod.name
        # The Service `webhooks` would set WEBHOOKS_PORT.
        assert pod.spec["enableServiceLinks"] is False, pod.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_our_containers_write_nowhere_but_to_tmp(overlay: str) -> None:
    for pod in pods(overlay):
        if pod.container["name"] == "usermessage":
            assert pod.container["securityContext"]["readOnlyRootFilesystem"] is True, pod.name
            written = [each["mountPath"] for each in pod.container["volumeMounts"] if not each.get("readOnly")]
            assert written == ["/tmp"], pod.name


def _gateway() -> Pod:
    (gateway,) = [pod for pod in pods("production") if pod.name == "gateway"]
    return gateway
