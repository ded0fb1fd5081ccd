"""Aside: long computations in a thread of their own, one at a time.

Each thread that computes takes its turns from the event loop. With one, everybody else goes on; a dozen bodies made to
be costly, read in as many threads, held up the loop for seconds, until the broker gave the gateway up.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Aside:
    """Runs what is given one after the other, in the order in which it came."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, compute: Callable[[], T]) -> T:
        """Return what `compute` returns, or raise what it raises."""
        async with self._turn:
            return await asyncio.to_thread(compute)
