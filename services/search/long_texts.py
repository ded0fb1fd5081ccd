"""Long texts: what takes long is computed in a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.mailbox.indexing import State

T = TypeVar("T")

# The words of so long a text take about 10 ms, for which nobody else would be served.
_LONG_TEXTS = 50_000


async def computed(compute: Callable[[Sequence[State]], T], states: Sequence[State]) -> T:
    """Return what is computed of the words of messages."""
    if sum(len(state.body) for state in states) > _LONG_TEXTS:
        return await asyncio.to_thread(compute, states)
    return compute(states)
