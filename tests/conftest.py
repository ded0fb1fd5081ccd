"""Servers and the service for integration tests: private, real, and gone after the run."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import Servers
from tests.running import Stack


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """Yield a folder for servers and logs; open to all, so that Postgres' own user can come in."""
    folder = Path(tempfile.mkdtemp(prefix="usermessage-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(run_folder: Path) -> Iterator[Servers]:
    """Yield running servers: `.postgres.url`, `.rabbitmq.url`; both can be killed and restarted."""
    servers = Servers(run_folder)
    servers.prepare()
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        servers.remove()


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
