"""Servers for integration tests: private, real, and gone after the run."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import Servers


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """Yield a folder for servers, processes and their logs; readable by all, so that Postgres' own user can come in."""
    folder = Path(tempfile.mkdtemp(prefix="usermessage-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(run_folder: Path) -> Iterator[Servers]:
    """Yield running servers: `servers.postgres.url`, `servers.rabbitmq.url`; both can be killed and restarted."""
    servers = Servers(run_folder)
    servers.prepare()
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        servers.remove()
