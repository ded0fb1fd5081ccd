"""What fault tests share."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.reliability.sync_worlds import SyncWorlds
from tests.running import Account, Stack

_AT_ONCE = 50


@pytest.fixture(scope="session")
def sync_worlds(stack: Stack) -> Iterator[SyncWorlds]:
    """Yield what makes worlds, each with an account of its own."""
    # A loop of its own, in a thread of its own: this thread's belongs to the tests that are coroutines.
    with ThreadPoolExecutor(1) as thread:

        def accounts() -> Iterator[Account]:
            while True:
                yield from thread.submit(lambda: asyncio.run(stack.accounts(_AT_ONCE))).result()

        yield SyncWorlds(stack, accounts())
