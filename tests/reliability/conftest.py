"""What fault tests share."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.reliability.sync_worlds import SyncWorlds
from tests.running import Stack


@pytest.fixture(scope="session")
def sync_worlds(stack: Stack) -> Iterator[SyncWorlds]:
    """Yield what makes worlds in which phones are synced."""
    with ThreadPoolExecutor(1) as thread:
        yield SyncWorlds(stack, thread)
