"""Patience with what follows a write later than its answer, as the search index does."""

import asyncio
import time
from collections.abc import Awaitable, Callable

# Five times what the contract allows.
_MOST = 10.0
_PAUSE = 0.1


async def until_it_holds(look: Callable[[], Awaitable[None]], most: float = _MOST) -> None:
    """Look until an assertion holds; after `most` seconds it fails as it did last."""
    until = time.monotonic() + most
    while True:
        try:
            await look()
        except AssertionError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return
