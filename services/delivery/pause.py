"""Pauses: how long a carrier gets nothing after it said, or did not answer, as if it wanted nothing.

What is told of one number alone may be about that, so a carrier rests when it is told of others too, with nothing
accepted in between.
"""

import time
from collections.abc import Callable

from services.delivery.carriers.carrier import Accepted, NotSent, Outcome, Refusal, Refused, Unknown

_FIRST_SECONDS = {Refusal.SLOW_DOWN: 1.0, Refusal.FULL: 1.0, Refusal.ACCOUNT: 60.0}
_MOST_SECONDS = {Refusal.SLOW_DOWN: 60.0, Refusal.FULL: 60.0, Refusal.ACCOUNT: 900.0}
# So many numbers within this time speak for all. Of phones that are full there may be several by chance.
_TOGETHER_SECONDS = 5.0
_NUMBERS = {Refusal.SLOW_DOWN: 2, Refusal.FULL: 5, Refusal.ACCOUNT: 1}


class Pause:
    """The pauses of one carrier, each twice as long as the one before, until something is accepted again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._times = 0
        self._told: dict[str, float] = {}

    def after(self, outcome: Outcome, number: str) -> float:
        """Return for how many seconds to hold the carrier after what it said of a number, 0 for not at all."""
        if isinstance(outcome, Accepted):
            self._times = 0
            self._told.clear()
            return 0.0
        kind = _kind(outcome)
        if kind is None or self._clock() < self._until or self._is_of_few(kind, outcome, number):
            return 0.0
        seconds: float = max(_asked(outcome), min(_MOST_SECONDS[kind], _FIRST_SECONDS[kind] * 2.0**self._times))
        self._times += 1
        self._until = self._clock() + seconds
        return seconds

    def _is_of_few(self, kind: Refusal, outcome: Outcome, number: str) -> bool:
        """Whether this may be about a few numbers only."""
        if self._times or isinstance(outcome, NotSent):
            return False
        now = self._clock()
        self._told = {each: at for each, at in self._told.items() if now - at <= _TOGETHER_SECONDS} | {number: now}
        return len(self._told) < _NUMBERS[kind]


def _asked(outcome: Outcome) -> float:
    """Return for how long the carrier asked to be left alone; what it says of a full number is about that one."""
    if not isinstance(outcome, Refused) or outcome.kind is Refusal.FULL:
        return 0.0
    return outcome.after_seconds or 0.0


def _kind(outcome: Outcome) -> Refusal | None:
    if isinstance(outcome, NotSent | Unknown):
        return Refusal.SLOW_DOWN
    kind = outcome.kind if isinstance(outcome, Refused) else None
    return kind if kind in _FIRST_SECONDS else None
