"""What tests of the command line share."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
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
