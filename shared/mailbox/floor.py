"""The floor of the outbox: where to begin to look for events, so that what has left is not read again and again."""

import time
from collections import deque
from collections.abc import Callable, Sequence

# A transaction commits so long after it drew the number of its event, or a little later is soon enough.
_SETTLED_SECONDS = 3.0
_FROM_THE_START_SECONDS = 60.0


class Floor:
    """The number below which no event waits, but for stragglers that are looked for every minute.

    While an old snapshot is open, deleted rows stay in the index: read again and again they would cost more than the
    events. `clock` is monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._floor = 0
        self._greatest: deque[tuple[float, int]] = deque()
        self._from_start_at = float("-inf")
        self._from_start = True

    def start(self) -> int:
        """Return the number behind which to look."""
        now = self._clock()
        while self._greatest and self._greatest[0][0] <= now - _SETTLED_SECONDS:
            self._floor = max(self._floor, self._greatest.popleft()[1])
        self._from_start = now >= self._from_start_at
        return 0 if self._from_start else self._floor

    def took(self, ids: Sequence[int], *, full: bool) -> None:
        """Note which events were taken since `start`, and whether there may be more behind them."""
        now = self._clock()
        if ids:
            self._greatest.append((now, max(ids)))
        # A full take of stragglers only: there may be more of them.
        if self._from_start and not (full and max(ids) <= self._floor):
            self._from_start_at = now + _FROM_THE_START_SECONDS
