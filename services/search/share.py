"""The share of an account: how many searches of it run at a time, so that those of others find the index free."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.contract.faults import Fault, Refused

# Of one account in this process: so many run, and so many more wait for them, for so long at most.
_RUNNING = 2
_WAITING = 16
_WAIT_SECONDS = 2.0
# Of all accounts: an answer may take 16 MiB.
_RUNNING_IN_ALL = 16


@dataclass(slots=True)
class _Line:
    """The searches of one account: those that run have a place."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_RUNNING))
    length: int = 0


class Shares:
    """The places of all accounts."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._all = asyncio.Semaphore(_RUNNING_IN_ALL)

    def is_taken(self, account_id: int) -> bool:
        """Whether the account would have to wait for a place."""
        line = self._lines.get(account_id)
        return line is not None and line.length >= _RUNNING

    @asynccontextmanager
    async def place(self, account_id: int) -> AsyncIterator[None]:
        """Give one of the account's places; raise `Refused` with 98 where none is free soon."""
        line = self._lines.setdefault(account_id, _Line())
        if line.length >= _RUNNING + _WAITING:
            raise Refused(Fault.TOO_MANY_REQUESTS)
        line.length += 1
        try:
            await _acquired(line.places)
            try:
                async with self._all:
                    yield
            finally:
                line.places.release()
        finally:
            line.length -= 1
            if line.length == 0:
                del self._lines[account_id]


async def _acquired(places: asyncio.Semaphore) -> None:
    # A time limit costs more than all the rest of a turn, and most find a place.
    if not places.locked():
        await places.acquire()
        return
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await places.acquire()
    except TimeoutError:
        raise Refused(Fault.TOO_MANY_REQUESTS) from None
