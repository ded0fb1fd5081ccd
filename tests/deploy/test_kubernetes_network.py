"""Network policies: what a pod is told to call it may call, and nothing that it has no business with."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from deploy.local.roles import ROLES
from tests.deploy.manifests import OVERLAYS, Pod, Tree, environment, files, matches, of_kind, ours, pods

DNS = {("UDP", 53), ("TCP", 53)}
BROKER = {("TCP", 5671), ("TCP", 5672)}
DATABASE = {("TCP", 5432)}
INDEX = {("TCP", 9200)}
LIMITS = {("TCP", 6379)}
CARRIERS = {("TCP", 443), ("TCP", 2775)}
WORKER = DNS | BROKER | DATABASE
CALLS = dict.fromkeys(ROLES, WORKER) | {
    "gateway": DNS | BROKER | LIMITS,
    "search": WORKER | INDEX,
    "delivery": WORKER | CARRIERS,
    "cli": WORKER | INDEX,
    "migrate-before": WORKER,
    "migrate-after": WORKER,
}
HEARS = {"gateway": {"http", "health"}, "delivery": {"webhooks", "health"}}
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def selects(selector: Tree, pod: Pod) -> bool:
    """Whether a selector of labels, with expressions, finds the pod."""
    return matches(selector.get("matchLabels", {}), pod.labels) and all(
        each["operator"] == "In" and pod.labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", [])
    )


def rules(overlay: str, pod: Pod, way: str) -> Iterator[Tree]:
    """Yield the rules of that way, `ingress` or `egress`, that hold for the pod."""
    for policy in of_kind(overlay, "NetworkPolicy"):
        if selects(policy["spec"]["podSelector"], pod):
            yield from policy["spec"].get(way, [])


@overlays
def test_nothing_goes_in_or_out_by_default(overlay: str) -> None:
    (deny,) = [each["spec"] for each in of_kind(overlay, "NetworkPolicy") if not each["spec"]["podSelector"]]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@overlays
def test_each_pod_may_call_what_it_works_with_and_nothing_else(overlay: str) -> None:
    found = {
        pod.name: {(port["protocol"], port["port"]) for rule in rules(overlay, pod, "egress") for port in rule["ports"]}
        for pod in ours(overlay)
    }
    assert found == CALLS


@overlays
def test_each_pod_is_heard_where_it_serves_only(overlay: str) -> None:
    for pod in ours(overlay):
        ports = {port["port"] for rule in rules(overlay, pod, "ingress") for port in rule["ports"]}
        assert ports == HEARS.get(pod.name, {"health"} if pod.name in ROLES else set()), pod.name
        assert ports <= {port["name"] for port in pod.container.get("ports", [])}, pod.name


@overlays
def test_metrics_are_for_monitoring_only(overlay: str) -> None:
    for pod in ours(overlay):
        for rule in rules(overlay, pod, "ingress"):
            if {port["port"] for port in rule["ports"]} == {"health"}:
                (source,) = rule["from"]
                assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


@overlays
def test_each_address_that_a_pod_is_given_may_be_called(overlay: str) -> None:
    for pod in ours(overlay):
        mounted, given = files(overlay, pod), environment(overlay, pod)
        allowed = {port["port"] for rule in rules(overlay, pod, "egress") for port in rule["ports"]}
        urls = [urlsplit(mounted[path]) for name, path in given.items() if name.endswith("_URL_FILE")]
        assert {url.port for url in urls if url.hostname} <= allowed, pod.name


@overlays
def test_every_policy_holds_for_a_pod(overlay: str) -> None:
    for policy in of_kind(overlay, "NetworkPolicy"):
        assert any(selects(policy["spec"]["podSelector"], pod) for pod in pods(overlay)), policy["metadata"]["name"]


def test_the_servers_of_development_hear_the_service_only() -> None:
    servers = [pod for pod in pods("dev") if pod.kind == "StatefulSet"]
    assert {pod.name for pod in servers} == {"postgres", "rabbitmq"}
    for pod in servers:
        (rule,) = rules("dev", pod, "ingress")
        (source,) = rule["from"]
        assert all(selects(source["podSelector"], each) for each in ours("dev"))
        assert {port["port"] for port in rule["ports"]} == {port["name"] for port in pod.container["ports"]}
