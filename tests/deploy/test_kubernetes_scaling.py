"""How many pods there are: who counts them, by what, and how many may be away at once."""

import re
from collections.abc import Mapping

import pytest

from deploy.local.roles import ROLES
from shared.bus.topology import EVENT_QUEUES
from shared.contract.catalogue import OPERATIONS
from tests.deploy.manifests import OVERLAYS, Tree, matches, named, of_kind, pods

overlays = pytest.mark.parametrize("overlay", OVERLAYS)
COUNTED = {
    "dev": {},
    "production": {"gateway": "cpu", "accounts": "cpu"},
    "keda": {
        "gateway": "cpu",
        "accounts": "cpu",
        "conversations": "waiting-calls",
        "messages": "waiting-calls",
        "search": "waiting-calls, events",
        "delivery": "events, due-messages",
    },
}


def counted(overlay: str) -> Mapping[str, str]:
    """Return by what each role is counted that is."""
    by_load = {
        each["spec"]["scaleTargetRef"]["name"]: ", ".join(part["resource"]["name"] for part in each["spec"]["metrics"])
        for each in of_kind(overlay, "HorizontalPodAutoscaler")
    }
    by_queue = {
        each["spec"]["scaleTargetRef"]["name"]: ", ".join(part["name"] for part in each["spec"]["triggers"])
        for each in of_kind(overlay, "ScaledObject")
    }
    assert not by_load.keys() & by_queue.keys()
    return {**by_load, **by_queue}


def least(overlay: str, role: str) -> int:
    """Return how many pods of the role there are at least."""
    for each in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject"):
        if each["spec"]["scaleTargetRef"]["name"] == role:
            return int(each["spec"].get("minReplicas") or each["spec"]["minReplicaCount"])
    return int(named(overlay, "Deployment", role)["spec"]["replicas"])


@overlays
def test_each_role_is_counted_by_what_it_scales_by(overlay: str) -> None:
    assert counted(overlay) == COUNTED[overlay]


@overlays
def test_one_counts_the_pods_of_a_role(overlay: str) -> None:
    for role in ROLES:
        has_number = "replicas" in named(overlay, "Deployment", role)["spec"]
        assert has_number != (role in counted(overlay)), role


@overlays
def test_a_node_may_be_drained_and_pods_of_a_role_leave_one_after_the_other(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget")
    assert sorted(each["metadata"]["name"] for each in budgets) == sorted(ROLES)
    for budget in budgets:
        role = budget["metadata"]["name"]
        found = [pod.name for pod in pods(overlay) if matches(budget["spec"]["selector"]["matchLabels"], pod.labels)]
        assert found == [role]
        assert budget["spec"]["maxUnavailable"] == 1
        assert overlay == "dev" or least(overlay, role) > 1, role


@overlays
def test_a_pod_comes_before_one_goes(overlay: str) -> None:
    for role in ROLES:
        strategy = named(overlay, "Deployment", role)["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


@overlays
def test_pods_of_a_role_are_spread_over_zones_and_nodes(overlay: str) -> None:
    for pod in pods(overlay):
        spread = pod.spec.get("topologySpreadConstraints", [])
        keys = [each["topologyKey"] for each in spread]
        assert keys == (["topology.kubernetes.io/zone", "kubernetes.io/hostname"] if pod.name in ROLES else [])
        for each in spread:
            assert matches(each["labelSelector"]["matchLabels"], pod.labels)
            assert "app.kubernetes.io/component" in each["matchLabelKeys"]


def test_triggers_name_queues_that_are_there() -> None:
    queues = {queue.name for queue in EVENT_QUEUES}
    for trigger in _triggers("rabbitmq"):
        assert trigger["metadata"]["queueName"] in queues
        named("keda", "TriggerAuthentication", trigger["authenticationRef"]["name"])


def test_calls_that_wait_are_counted_in_all_queues_of_the_role() -> None:
    queues = {operation.queue for operation in OPERATIONS}
    counted_queues = {
        each["spec"]["scaleTargetRef"]["name"]: pattern
        for each in of_kind("keda", "ScaledObject")
        for trigger in each["spec"]["triggers"]
        for pattern in re.findall(r'calls_waiting{queue=~?"(.*?)"}', trigger["metadata"].get("query", ""))
    }
    assert counted_queues.keys() == {"conversations", "messages", "search"}
    for role, pattern in counted_queues.items():
        of_role = {queue for queue in queues if queue.split(".")[1] == role}
        assert {queue for queue in queues if re.fullmatch(pattern, queue)} == of_role != set()


def _triggers(kind: str) -> list[Tree]:
    found = [trigger for each in of_kind("keda", "ScaledObject") for trigger in each["spec"]["triggers"]]
    return [trigger for trigger in found if trigger["type"] == kind]
