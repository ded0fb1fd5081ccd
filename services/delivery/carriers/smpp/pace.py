"""The pace of a link: a part after the other at its rate, and none while the carrier wants none."""

import asyncio
import math
import time

# The clock of the loop is no finer.
_TICK_SECONDS = 0.001
_FIRST_REST_SECONDS = 1.0
_LONGEST_REST_SECONDS = 60.0


class Pace:
    """Turns at a rate a second; each rest that follows another is twice as long, until something is accepted."""

    def __init__(self, rate: float) -> None:
        self._between = 1.0 / rate
        self._next = 0.0
        self._rests_until = 0.0
        self._rests = 0

    @property
    def rest(self) -> float:
        """How many seconds of rest are left."""
        return max(0.0, self._rests_until - time.monotonic())

    async def turn(self, until: float = math.inf) -> bool:
        """Return when it is the caller's turn; at once, and whether there is one, where it would come after `until`."""
        now = time.monotonic()
        at = max(now, self._next)
        if at > until:
            return False
        self._next = at + self._between
        if at - now > _TICK_SECONDS:
            await asyncio.sleep(at - now)
        return True

    def throttled(self) -> float:
        """Rest; return for how long."""
        if not self.rest:
            self._rests_until = time.monotonic() + min(_LONGEST_REST_SECONDS, _FIRST_REST_SECONDS * 2.0**self._rests)
            self._rests = min(self._rests + 1, 10)
        return self.rest

    def accepted(self) -> None:
        self._rests = 0
