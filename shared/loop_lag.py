"""The lag of the event loop: how late it wakes a sleeper, and so how long everybody waits for a turn."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shared.metrics import process

# Seldom enough to cost nothing, often enough to meet what holds the loop up for long.
_SLEEP_SECONDS = 0.1


@asynccontextmanager
async def measuring_lag(role: str) -> AsyncIterator[None]:
    """Measure until the end of the block."""
    task = asyncio.create_task(_measure(process.loop_lag(role)))
    try:
        yield
    finally:
        task.cancel()


async def _measure(note: Callable[[float], None]) -> None:
    while True:
        due = time.monotonic() + _SLEEP_SECONDS
        await asyncio.sleep(_SLEEP_SECONDS)
        note(max(0.0, time.monotonic() - due))
