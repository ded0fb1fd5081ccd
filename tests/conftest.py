"""Servers and the service for integration tests: private, real, and gone after the run."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.apart import place_of_its_own
from tests.opensearch import Beginning, heard, report
from tests.running import Stack
from tests.servers import PreparedServer, Servers, choose, choose_opensearch, choose_redis

# Tokens are looked up every second, or a dead accounts role would not be noticed.
SETTINGS = {"AUTHENTICATION_CACHE_SECONDS": "1"}


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """Yield a folder for servers and logs; open to all, so that Postgres' own user can come in."""
    folder = Path(tempfile.mkdtemp(prefix="usermessage-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chosen(run_folder: Path, request: pytest.FixtureRequest) -> Servers:
    """Return the servers of `servers`, not started."""
    return choose(run_folder, partial(_say, request.config))


@pytest.fixture(scope="session")
def servers(chosen: Servers) -> Iterator[Servers]:
    """Yield running servers: `.postgres.url`, `.rabbitmq.url`; both can be killed and restarted."""
    chosen.prepare()
    try:
        chosen.start()
        yield chosen
    finally:
        try:
            chosen.stop()
        finally:
            chosen.remove()


@pytest.fixture(scope="session")
def redis(servers: Servers, run_folder: Path, request: pytest.FixtureRequest) -> Iterator[PreparedServer]:
    """Yield a running Redis or Valkey, which the service needs only to share its rate limits."""
    redis = choose_redis(servers, run_folder / "redis", partial(_say, request.config))
    redis.prepare()
    try:
        redis.start()
        yield redis
    finally:
        try:
            redis.stop()
        finally:
            redis.remove()


@pytest.fixture(scope="session")
def beginning(chosen: Servers, run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Beginning]:
    """Yield an OpenSearch that starts while the fixtures behind this one are made."""
    say = partial(_say, request.config)
    beginning = Beginning(choose_opensearch(chosen, run_folder / "opensearch", say), say)
    yield beginning
    beginning.end()


@pytest.fixture(scope="session")
def opensearch(beginning: Beginning, request: pytest.FixtureRequest) -> PreparedServer:
    """Return a running OpenSearch that can be killed and restarted; tests that need it are skipped where none is."""
    opensearch = beginning.server(request.config)
    if opensearch is None:
        pytest.skip("OpenSearch could not be had")
    return opensearch


@pytest.fixture(scope="session")
def stack(beginning: Beginning, servers: Servers, run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Yield the migrated service with its roles, its search on OpenSearch where that can be had, else on Postgres."""
    opensearch = beginning.server(request.config)
    url = opensearch.url if opensearch else ""
    yield from _started(Stack(servers, run_folder / "roles", SETTINGS, opensearch_url=url), request)


@pytest.fixture(scope="module")
async def embedded_place(servers: Servers) -> AsyncIterator[Mapping[str, str]]:
    """Yield the settings of one more service on the same servers."""
    async with place_of_its_own(servers) as settings:
        yield settings


@pytest.fixture(scope="module")
def embedded_stack(
    servers: Servers, embedded_place: Mapping[str, str], run_folder: Path, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """Yield one more service beside `stack`, which searches on Postgres."""
    settings = {**SETTINGS, **embedded_place}
    yield from _started(Stack(servers, run_folder / "embedded", settings), request)


def _started(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Start a stack, yield it and stop it; show the ends of its logs when tests failed."""
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        if request.session.testsfailed:
            print(stack.tails())


@pytest.fixture(autouse=True)
def _service_is_back(request: pytest.FixtureRequest) -> None:
    """Begin each test of the service when it is ready: an earlier test may have killed a server that all share."""
    for name in ("stack", "embedded_stack"):
        if name in request.fixturenames:
            request.getfixturevalue(name).wait_ready()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    heard(node.config, getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report(terminalreporter, config)


def _say(config: pytest.Config, text: str) -> None:
    """Tell the person at the terminal what takes a while, though output is captured."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter):
        reporter.ensure_newline()
        reporter.write_line(text)
