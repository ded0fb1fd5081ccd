"""What schemas cannot see: that settings exist, that ports are those that are served, that selectors find pods."""

import dataclasses
import re
from urllib.parse import urlsplit

import pytest

from deploy.local.roles import ROLES
from shared.settings import Settings, SettingsError
from tests.deploy.manifests import (
    OVERLAYS,
    SECRET_TEMPLATE,
    Pod,
    environment,
    files,
    matches,
    of_kind,
    ours,
    pods,
    render,
)

FIELDS = {field.name.upper(): field for field in dataclasses.fields(Settings)}
# The setting that says on which port a role serves what a port of that name is for.
PORTS = {"health": "HEALTH_PORT", "http": "PORT", "webhooks": "WEBHOOKS_PORT"}
EXTRA_PORTS = {"gateway": {"http"}, "delivery": {"webhooks"}}
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?\Z")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
# A Deployment's pod is named by it, a hash of ten and five more characters; that of a Job by it and five.
POD_SUFFIX = {"Deployment": 17, "Job": 6, "StatefulSet": 11}
DRAIN_ROOM = 5
BALANCERS_KNOW = 10
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def roles(overlay: str) -> list[Pod]:
    """Return the pods of the six roles."""
    found = [pod for pod in pods(overlay) if pod.name in ROLES]
    assert [pod.name for pod in found] == sorted(ROLES)
    return found


def settings(overlay: str, pod: Pod) -> Settings:
    """Return the settings of the pod, apart from its secrets, which production asks for."""
    given = environment(overlay, pod)
    plain = given.keys() & FIELDS.keys() - {"ENVIRONMENT"}
    return Settings.from_environment({name: given[name] for name in plain})


def test_a_template_that_is_not_filled_in_starts_nothing() -> None:
    for pod in roles("production"):
        mounted, given = files("production", pod), environment("production", pod)
        texts = {name.removesuffix("_FILE"): mounted[text] for name, text in given.items() if name.endswith("_FILE")}
        with pytest.raises(SettingsError, match="AMQP_URL: its password is one that anybody can guess"):
            Settings.from_environment({"ENVIRONMENT": given["ENVIRONMENT"], **texts})


@overlays
def test_every_key_of_an_environment_is_a_setting(overlay: str) -> None:
    for pod in ours(overlay):
        for name in environment(overlay, pod):
            assert name in FIELDS or FIELDS[name.removesuffix("_FILE")].metadata["secret"], f"{pod.name}: {name}"


@overlays
def test_no_secret_stands_in_an_environment(overlay: str) -> None:
    for pod in ours(overlay):
        assert not [name for name in environment(overlay, pod) if name in FIELDS and FIELDS[name].metadata["secret"]]


@overlays
def test_every_file_that_a_setting_names_is_mounted(overlay: str) -> None:
    for pod in ours(overlay):
        for name, value in environment(overlay, pod).items():
            if name.endswith("_FILE"):
                assert value in files(overlay, pod), f"{pod.name}: {name}"


@overlays
def test_a_role_has_the_secrets_that_it_needs_and_no_others(overlay: str) -> None:
    broker, database = "AMQP_URL_FILE", "DATABASE_URL_FILE"
    worker = {broker, database}
    wanted = dict.fromkeys(ROLES, worker) | {
        "gateway": {broker, "LIMITS_URL_FILE"},
        "search": worker | {"OPENSEARCH_URL_FILE"},
        "migrate-before": worker,
        "migrate-after": worker,
        "cli": worker | {"OPENSEARCH_URL_FILE"},
    }
    assert {
        pod.name: {name for name in environment(overlay, pod) if name.endswith("_URL_FILE")} for pod in ours(overlay)
    } == wanted
    for pod in ours(overlay):
        assert sum("/run/secrets/usermessage/" in path for path in files(overlay, pod)) == len(wanted[pod.name])


@overlays
def test_ports_are_those_of_the_settings(overlay: str) -> None:
    for pod in roles(overlay):
        served = environment(overlay, pod)
        declared = {each["name"]: each["containerPort"] for each in pod.container["ports"]}
        assert declared.keys() == {"health"} | EXTRA_PORTS.get(pod.name, set())
        assert declared == {name: int(served[PORTS[name]]) for name in declared}


@overlays
def test_each_role_has_three_probes(overlay: str) -> None:
    for pod in roles(overlay):
        asked = {name: pod.container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {each["port"] for each in asked.values()} == {"health"}
        assert [each["path"] for each in asked.values()] == ["/livez", "/livez", "/readyz"]


@overlays
def test_a_pod_has_time_to_drain(overlay: str) -> None:
    for pod in roles(overlay):
        given = settings(overlay, pod)
        leave = given.leave_seconds if pod.name == "gateway" else 0
        leave += pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod.spec["terminationGracePeriodSeconds"] >= leave + given.drain_seconds + DRAIN_ROOM, pod.name
        # What balancers send calls to goes on until they know.
        assert (leave >= BALANCERS_KNOW) == (pod.name in EXTRA_PORTS), pod.name


@overlays
def test_a_gateway_may_hold_the_answers_that_it_is_allowed(overlay: str) -> None:
    for pod in roles(overlay):
        if pod.name == "gateway":
            limit = pod.container["resources"]["limits"]["memory"]
            assert int(limit.removesuffix("Mi")) * 1024**2 >= 2 * settings(overlay, pod).unsent_octets


@overlays
def test_a_workload_selects_its_own_pods_only(overlay: str) -> None:
    for workload in of_kind(overlay, "Deployment", "StatefulSet"):
        selector = workload["spec"]["selector"]["matchLabels"]
        found = [pod.name for pod in pods(overlay) if matches(selector, pod.labels)]
        assert found == [workload["metadata"]["name"]]


@overlays
def test_services_find_pods_that_serve_their_ports(overlay: str) -> None:
    wanted = {"gateway": {"gateway"}, "webhooks": {"delivery"}, "metrics": set(ROLES)}
    for service in of_kind(overlay, "Service"):
        name = service["metadata"]["name"]
        found = [pod for pod in pods(overlay) if matches(service["spec"]["selector"], pod.labels)]
        assert {pod.name for pod in found} == wanted.get(name, {name})
        for pod in found:
            declared = {each["name"] for each in pod.container["ports"]}
            assert {each["targetPort"] for each in service["spec"]["ports"]} <= declared, name


@overlays
def test_ingresses_name_services_and_their_ports(overlay: str) -> None:
    served = {
        (service["metadata"]["name"], port["name"])
        for service in of_kind(overlay, "Service")
        for port in service["spec"]["ports"]
    }
    for ingress in of_kind(overlay, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                assert (backend["name"], backend["port"]["name"]) in served


@overlays
def test_metrics_are_collected_from_a_service_that_is_there(overlay: str) -> None:
    for monitor in of_kind(overlay, "ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = [each for each in of_kind(overlay, "Service") if matches(selector, each["metadata"]["labels"])]
        assert [each["metadata"]["name"] for each in found] == ["metrics"]
        ports = {port["name"] for port in found[0]["spec"]["ports"]}
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in ports
        # Alerts and dashboards tell the roles apart by it.
        (relabeling,) = endpoint["relabelings"]
        label = "__meta_kubernetes_pod_label_app_kubernetes_io_component"
        assert relabeling == {"sourceLabels": [label], "targetLabel": "role"}


@overlays
def test_names_fit(overlay: str) -> None:
    for each in render(overlay):
        name = each["metadata"]["name"]
        assert DNS_LABEL.match(name), name
        assert len(name) + POD_SUFFIX.get(each["kind"], 0) <= 63, name
        assert all(LABEL_VALUE.match(value) for value in each["metadata"].get("labels", {}).values()), name
    for pod in pods(overlay):
        assert all(PORT_NAME.match(port["name"]) for port in pod.container.get("ports", [])), pod.name


@overlays
def test_everything_is_in_the_namespace(overlay: str) -> None:
    names = {each["metadata"].get("namespace") for each in render(overlay) if each["kind"] != "Namespace"}
    assert names == {"usermessage"}


@overlays
def test_images_are_those_of_the_roles_with_a_tag_to_set(overlay: str) -> None:
    images = {pod.name: pod.container["image"] for pod in ours(overlay)}
    names = {**{role: role for role in ROLES}, **dict.fromkeys(("migrate-before", "migrate-after", "cli"), "cli")}
    assert images == {pod: f"usermessage-{image}:unset" for pod, image in names.items()}


def test_the_template_of_the_secret_gives_addresses_that_settings_take() -> None:
    for overlay in OVERLAYS:
        texts = {path.rpartition("/")[2]: text for pod in ours(overlay) for path, text in files(overlay, pod).items()}
        given = {name: text for name, text in texts.items() if name in FIELDS}
        assert given.keys() == {"AMQP_URL", "DATABASE_URL", "OPENSEARCH_URL", "LIMITS_URL"}
        Settings.from_environment(given)
    template = SECRET_TEMPLATE.read_text(encoding="utf-8")
    assert not [
        url for url in re.findall(r"\w+://\S+", template) if not (urlsplit(url).hostname or "").endswith(".org")
    ]
