"""Pauses: how long a carrier gets nothing after it said that it wants nothing."""

import time
from collections.abc import Callable

from services.delivery.carriers.carrier import Accepted, NotSent, Outcome, Refusal, Refused

_FIRST_SECONDS = {Refusal.SLOW_DOWN: 1.0, Refusal.ACCOUNT: 60.0}
_MOST_SECONDS = {Refusal.SLOW_DOWN: 60.0, Refusal.ACCOUNT: 900.0}


class Pause:
    """The pauses of one carrier, each twice as long as the one before, until something is accepted again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._times = 0

    def after(self, outcome: Outcome) -> float:
        """Return for how many seconds to hold the carrier after this outcome, 0 for not at all."""
        if isinstance(outcome, Accepted):
            self._times = 0
            return 0.0
        kind = _kind(outcome)
        if kind is None or self._clock() < self._until:
            return 0.0
        asked = (outcome.after_seconds or 0.0) if isinstance(outcome, Refused) else 0.0
        seconds: float = max(asked, min(_MOST_SECONDS[kind], _FIRST_SECONDS[kind] * 2.0**self._times))
        self._times += 1
        self._until = self._clock() + seconds
        return seconds


def _kind(outcome: Outcome) -> Refusal | None:
    if isinstance(outcome, NotSent):
        return Refusal.SLOW_DOWN
    kind = outcome.kind if isinstance(outcome, Refused) else None
    return kind if kind in _FIRST_SECONDS else None
