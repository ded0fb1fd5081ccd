"""Turns: how many groups of commands of one queue run at a time, and how many commands wait, run or are parked."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.metrics.commands import QueueCommands

# Enough to keep the database busy; more would only hold their answers in memory.
_TURNS = 8


class Turns:
    """The turns of a queue."""

    def __init__(self, queue: str) -> None:
        self._free = asyncio.Semaphore(_TURNS)
        self._waiting = self._running = 0
        self.parked: set[asyncio.Task[object]] = set()
        self._measures = QueueCommands(
            queue, lambda: self._waiting, lambda: self._running, lambda: len(self.parked)
        )  # fmt: skip

    @asynccontextmanager
    async def turn(self, commands: int, received: float) -> AsyncIterator[None]:
        """Give a turn to so many commands that came at `received`, on the monotonic clock."""
        self._waiting += commands
        try:
            await self._free.acquire()
        finally:
            self._waiting -= commands
        self._measures.waited(time.monotonic() - received)
        self._running += commands
        try:
            yield
        finally:
            self._running -= commands
            self._free.release()
