"""Leases of a worker that is alone: each slot is free until it holds it."""

import asyncio


class FreeLease:
    """A slot, never lost and over only where a test says so."""

    def __init__(self, taken: set[tuple[str, int]], carrier: str, slot: int) -> None:
        self.slot = slot
        self.lost = asyncio.Event()
        self.until = float("inf")
        self.unbind_seconds = 3.0
        self._taken = taken
        self._carrier = carrier

    @property
    def is_over(self) -> bool:
        return self.lost.is_set() or asyncio.get_running_loop().time() >= self.until

    async def release(self) -> None:
        self._taken.discard((self._carrier, self.slot))


class FreeLeases:
    """Gives each slot to who comes first."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, int]] = set()

    async def hold(self, carrier: str, slots: int) -> FreeLease | None:
        """Hold the first slot that is free."""
        for slot in range(slots):
            if (carrier, slot) not in self._taken:
                self._taken.add((carrier, slot))
                return FreeLease(self._taken, carrier, slot)
        return None
