"""What tests of the command line share, and those of both backends of the index."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from tests.integration.fresh_database import fresh_database
from tests.integration.index_rig import IndexRig, index_rig
from tests.integration.terminal import Terminal, emptied, terminal_of


@pytest.fixture(scope="module")
async def migrated(servers: Servers) -> AsyncIterator[Terminal]:
    """Yield a terminal with a database of the module's own."""
    async with terminal_of(servers) as terminal:
        yield terminal


@pytest.fixture
async def terminal(migrated: Terminal) -> Terminal:
    """Return that terminal, its database without accounts and keys."""
    return await emptied(migrated)


@pytest.fixture(scope="module")
async def index_database(servers: Servers) -> AsyncIterator[str]:
    """Yield the URL of a database of the module's own."""
    async with fresh_database(servers) as url:
        yield url


@pytest.fixture(params=["postgres", "opensearch"])
async def backend(request: pytest.FixtureRequest, index_database: str) -> AsyncIterator[IndexRig]:
    """Yield mailboxes and an index, on each backend."""
    url = request.getfixturevalue("opensearch").url if request.param == "opensearch" else ""
    async with index_rig(index_database, url) as rig:
        yield rig
