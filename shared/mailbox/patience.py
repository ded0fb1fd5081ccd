"""Patience: commands that wait for a locked mailbox, one at a time for each account."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Line:
    """Who waits for one mailbox: the first has the turn."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Patience:
    """Turns at waiting: a locked mailbox takes at most one connection of this process."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}

    def waits(self, account_id: int) -> bool:
        """Whether anybody waits for this mailbox."""
        return account_id in self._lines

    @asynccontextmanager
    async def turn(self, account_id: int, deadline: float) -> AsyncIterator[None]:
        """Wait for the account's turn, first come first served; raise `TimeoutError` at the deadline."""
        line = self._lines.setdefault(account_id, _Line())
        line.length += 1
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await line.turn.acquire()
            try:
                yield
            finally:
                line.turn.release()
        finally:
            line.length -= 1
            if line.length == 0:
                del self._lines[account_id]
