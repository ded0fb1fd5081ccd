"""The pulse: how long ago a message that is read now may have come, when this process stood still.

A process that was stopped, or whose event loop was held up, finds messages that have been waiting in its socket. The
loop beats; what is read shortly after a gap in the beats counts from the last beat before the gap. A second gap before
all of it is read, such as a large envelope makes, changes nothing of that.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_BEAT_SECONDS = 0.1
# A busy loop may be late by so much; less than this is lost on the budget of a command.
_GAP_SECONDS = 0.5
# What piled up in the socket is read within this: no more than the prefetch was on its way.
_CATCHING_UP_SECONDS = 1.0


class Pulse:
    """Beats while `beating`; `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._gap_began = self._gap_ended = float("-inf")

    def received(self) -> float:
        """Return since when a message that is read now may have been waiting."""
        now = self.beat()
        return self._gap_began if now - self._gap_ended < _CATCHING_UP_SECONDS else now

    def beat(self) -> float:
        """Note that the process is alive; return the time."""
        now = self._clock()
        if now - self._last > _GAP_SECONDS:
            if self._last - self._gap_ended >= _CATCHING_UP_SECONDS:
                self._gap_began = self._last
            self._gap_ended = now
        self._last = now
        return now

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat until the end of the block."""
        self._last = self._clock()
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self.beat()
