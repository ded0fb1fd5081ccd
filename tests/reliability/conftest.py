"""What fault tests share."""

from collections.abc import Iterator

import pytest

from tests.reliability.aside import Aside
from tests.reliability.sync_worlds import SyncWorlds
from tests.running import Stack


@pytest.fixture(scope="session")
def sync_worlds(stack: Stack) -> Iterator[SyncWorlds]:
    """Yield what makes worlds in which phones are synced."""
    with Aside() as aside:
        yield SyncWorlds(stack, aside)
