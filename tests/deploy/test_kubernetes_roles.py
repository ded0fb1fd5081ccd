"""Each role starts with exactly the command and the environment of its manifest, and serves what the manifest says."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.roles import ROLES
from tests.apart import place_of_its_own
from tests.deploy.manifests import environment, of_kind, pods
from tests.deploy.pod_process import Answer, PodProcess
from tests.servers import PreparedServer, Servers

Running = Mapping[str, PodProcess]


@pytest.fixture(scope="module")
async def place(servers: Servers, run_folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """Yield where the servers are, the database migrated by the Jobs of production; there is no Redis."""
    async with place_of_its_own(servers) as settings:
        for phase in ("before", "after"):
            (job,) = [pod for pod in pods("production") if pod.name == f"migrate-{phase}"]
            done = PodProcess("production", job, "", settings, run_folder / "jobs").run()
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith("applied 0001" if phase == "before" else "nothing to apply")
        yield {**settings, "LIMITS_URL": f"redis://127.0.0.1:{free_port()}/0"}


@pytest.fixture(scope="module")
def development(place: Mapping[str, str], run_folder: Path) -> Iterator[Running]:
    """Yield the roles as `dev` starts them; its search is on Postgres."""
    yield from _running("dev", ROLES, place, run_folder)


@pytest.fixture(scope="module")
def production(place: Mapping[str, str], run_folder: Path) -> Iterator[Running]:
    """Yield the roles as `production` starts them, but for search."""
    yield from _running("production", [role for role in ROLES if role != "search"], place, run_folder)


@pytest.fixture(scope="module")
def production_search(place: Mapping[str, str], opensearch: PreparedServer, run_folder: Path) -> Iterator[Running]:
    """Yield the search role of `production`, on OpenSearch."""
    yield from _running("production", ["search"], {**place, "OPENSEARCH_URL": opensearch.url}, run_folder)


def _running(overlay: str, roles: Sequence[str], servers: Mapping[str, str], run_folder: Path) -> Iterator[Running]:
    network = f"127.{64 + secrets.randbelow(128)}.{secrets.randbelow(256)}"
    with ExitStack() as stop:
        found = {
            pod.name: PodProcess(overlay, pod, f"{network}.{number}", servers, run_folder / f"pods-{overlay}-{number}")
            for number, pod in enumerate(pods(overlay), 1)
            if pod.name in roles
        }
        for process in found.values():
            process.start()
            stop.callback(process.stop)
        for process in found.values():
            process.wait_ready()
        yield found


def check(process: PodProcess) -> None:
    """Ask all that the cluster and the collector of metrics ask."""
    assert process.probe("livenessProbe") == (200, "alive\n")
    assert json.loads(process.probe("readinessProbe").text)["ready"] is True
    assert process.probe("startupProbe") == (200, "alive\n")
    metrics = process.get("health", _metrics_path())
    assert metrics.status == 200
    assert "# TYPE usermessage_" in metrics.text


@pytest.mark.parametrize("role", ROLES)
def test_a_role_of_development_serves_its_ports(role: str, development: Running) -> None:
    check(development[role])


@pytest.mark.parametrize("role", [role for role in ROLES if role != "search"])
def test_a_role_of_production_serves_its_ports(role: str, production: Running) -> None:
    check(production[role])


def test_the_search_of_production_serves_its_ports(production_search: Running) -> None:
    check(production_search["search"])


def test_the_gateway_serves_the_api_at_its_port(production: Running) -> None:
    answer = production["gateway"].get("http", "/rest/user/message/get/by/conversation")
    assert answer == Answer(405, "only POST is answered here\n")


def test_delivery_serves_webhooks_at_its_port(production: Running) -> None:
    answer = production["delivery"].get("webhooks", "/carriers/nobody/receipt")
    assert answer == Answer(404, "")


def test_workers_counted_by_queues_start_like_those_of_production() -> None:
    for mine, its in zip(pods("keda"), pods("production"), strict=True):
        assert environment("keda", mine) == environment("production", its)
        assert mine.spec == its.spec


def _metrics_path() -> str:
    (monitor,) = of_kind("production", "ServiceMonitor")
    return str(monitor["spec"]["endpoints"][0]["path"])
