"""Where the limits count: the library's memory, made fit for many accounts."""

import time

from limits.aio.storage import MemoryStorage

_SWEEP_SECONDS = 10.0


class SweptMemory(MemoryStorage):
    """The library's storage in memory, which looks at every key it holds each time it counts; this one now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._next_sweep = 0.0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to the count of a key that ends `expiry` seconds after its first count; return the count."""
        count = await self.get(key) + amount
        now = time.time()  # the library compares with the time of day
        if count == amount:
            self.expirations[key] = now + expiry
        self.storage[key] = count
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            self._sweep(now)
        return count

    def _sweep(self, now: float) -> None:
        for key in [key for key, until in self.expirations.items() if until <= now]:
            self.storage.pop(key, None)
            self.expirations.pop(key, None)
