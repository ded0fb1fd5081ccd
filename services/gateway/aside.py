"""Aside: long computations in a thread of their own, one at a time.

Each thread that computes takes its turns from the event loop. With one, everybody else goes on; a dozen bodies made to
be costly, read in as many threads, held up the loop for seconds, until the broker gave the gateway up.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Aside:
    """Runs what is given one after the other, in the order in which it came; of each owner one is in the line."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._own_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, compute: Callable[[], T], owner: str = "", until: float | None = None) -> T:
        """Return what `compute` returns, or raise what it raises.

        Raises `TimeoutError` when its turn has not come by then, on the monotonic clock.
        """
        own_turn = self._own_turns.setdefault(owner, asyncio.Lock())
        async with AsyncExitStack() as turns:
            async with asyncio.timeout_at(until):
                await turns.enter_async_context(own_turn)
                await turns.enter_async_context(self._turn)
            return await asyncio.to_thread(compute)
