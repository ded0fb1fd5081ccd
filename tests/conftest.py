"""Servers and the service for integration tests: private, real, and gone after the run."""

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.running import Stack
from tests.servers import PreparedServer, Servers, choose, choose_redis


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """Yield a folder for servers and logs; open to all, so that Postgres' own user can come in."""
    folder = Path(tempfile.mkdtemp(prefix="usermessage-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Servers]:
    """Yield running servers: `.postgres.url`, `.rabbitmq.url`; both can be killed and restarted."""
    servers = choose(run_folder, partial(_say, request.config))
    servers.prepare()
    try:
        servers.start()
        yield servers
    finally:
        try:
            servers.stop()
        finally:
            servers.remove()


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
def stack(servers: Servers, run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Yield the migrated service with its four roles; shows the ends of their logs when tests failed."""
    # Tokens are looked up every second, or a dead accounts role would not be noticed.
    stack = Stack(servers, run_folder / "roles", {"AUTHENTICATION_CACHE_SECONDS": "1"})
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
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").wait_ready()


def _say(config: pytest.Config, text: str) -> None:
    """Tell the person at the terminal what takes a while, though output is captured."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter):
        reporter.ensure_newline()
        reporter.write_line(text)
