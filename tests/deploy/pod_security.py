"""The controls of Kubernetes' Pod Security Standards, level restricted, which includes baseline: one function each.

A function takes a pod's specification and its annotations and yields what breaks the control.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Spec = Mapping[str, Any]
Control = Callable[["Checked"], Iterator[str]]

_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
_SECCOMP_TYPES = frozenset({"RuntimeDefault", "Localhost"})
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


class Checked(NamedTuple):
    """A pod that is looked at."""

    spec: Spec
    annotations: Mapping[str, str] = {}

    def containers(self) -> Iterator[Spec]:
        """Yield the containers of every kind."""
        for kind in ("containers", "initContainers", "ephemeralContainers"):
            yield from self.spec.get(kind, [])

    def contexts(self) -> Iterator[Spec]:
        """Yield the security contexts of the pod and of each container."""
        yield self.spec.get("securityContext", {})
        for container in self.containers():
            yield container.get("securityContext", {})

    def effective(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield for each container what holds for it: its own word, else the pod's."""
        above = self.spec.get("securityContext", {}).get(name)
        for container in self.containers():
            yield container["name"], container.get("securityContext", {}).get(name, above)


def _host_process(pod: Checked) -> Iterator[str]:
    yield from ("hostProcess" for each in pod.contexts() if each.get("windowsOptions", {}).get("hostProcess"))


def _host_namespaces(pod: Checked) -> Iterator[str]:
    yield from (each for each in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(each))


def _privileged(pod: Checked) -> Iterator[str]:
    yield from ("privileged" for each in pod.contexts() if each.get("privileged"))


def _capabilities(pod: Checked) -> Iterator[str]:
    for container in pod.containers():
        capabilities = container.get("securityContext", {}).get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []):
            yield f"{container['name']} does not drop ALL"
        yield from (f"adds {each}" for each in capabilities.get("add", []) if each != "NET_BIND_SERVICE")


def _host_path(pod: Checked) -> Iterator[str]:
    yield from (each["name"] for each in pod.spec.get("volumes", []) if "hostPath" in each)


def _host_ports(pod: Checked) -> Iterator[str]:
    for container in pod.containers():
        yield from (str(port["hostPort"]) for port in container.get("ports", []) if port.get("hostPort"))


def _host_of_probes(pod: Checked) -> Iterator[str]:
    for container in pod.containers():
        hooks = container.get("lifecycle", {})
        for handler in [container.get(name, {}) for name in _PROBES] + list(hooks.values()):
            yield from (kind for kind in ("httpGet", "tcpSocket") if handler.get(kind, {}).get("host"))


def _apparmor(pod: Checked) -> Iterator[str]:
    for each in pod.contexts():
        if each.get("appArmorProfile", {}).get("type") not in {None, "RuntimeDefault", "Localhost"}:
            yield each["appArmorProfile"]["type"]
    for name, value in pod.annotations.items():
        if name.startswith(_APPARMOR) and value != "runtime/default" and not value.startswith("localhost/"):
            yield value


def _selinux(pod: Checked) -> Iterator[str]:
    for each in pod.contexts():
        options = each.get("seLinuxOptions", {})
        if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
            yield str(options)


def _proc_mount(pod: Checked) -> Iterator[str]:
    yield from (each["procMount"] for each in pod.contexts() if each.get("procMount", "Default") != "Default")


def _sysctls(pod: Checked) -> Iterator[str]:
    found = pod.spec.get("securityContext", {}).get("sysctls", [])
    yield from (each["name"] for each in found if each["name"] not in _SAFE_SYSCTLS)


def _volume_types(pod: Checked) -> Iterator[str]:
    for volume in pod.spec.get("volumes", []):
        yield from (f"{volume['name']}: {kind}" for kind in volume.keys() - {"name"} - _VOLUMES)


def _privilege_escalation(pod: Checked) -> Iterator[str]:
    for container in pod.containers():
        if container.get("securityContext", {}).get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may get more rights"


def _non_root(pod: Checked) -> Iterator[str]:
    yield from (f"{name} may run as root" for name, value in pod.effective("runAsNonRoot") if value is not True)


def _non_root_user(pod: Checked) -> Iterator[str]:
    yield from ("runs as user 0" for each in pod.contexts() if each.get("runAsUser") == 0)


def _seccomp(pod: Checked) -> Iterator[str]:
    for name, profile in pod.effective("seccompProfile"):
        if (profile or {}).get("type") not in _SECCOMP_TYPES:
            yield f"{name} has no seccomp profile"


CONTROLS: Mapping[str, Control] = {
    "baseline: HostProcess": _host_process,
    "baseline: Host Namespaces": _host_namespaces,
    "baseline: Privileged Containers": _privileged,
    "baseline: HostPath Volumes": _host_path,
    "baseline: Host Ports": _host_ports,
    "baseline: Host Probes / Lifecycle Hooks": _host_of_probes,
    "baseline: AppArmor": _apparmor,
    "baseline: SELinux": _selinux,
    "baseline: /proc Mount Type": _proc_mount,
    "baseline: Sysctls": _sysctls,
    "restricted: Volume Types": _volume_types,
    "restricted: Privilege Escalation": _privilege_escalation,
    "restricted: Running as Non-root": _non_root,
    "restricted: Running as Non-root user": _non_root_user,
    "restricted: Seccomp": _seccomp,
    "restricted: Capabilities": _capabilities,
}
