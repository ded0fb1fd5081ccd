"""Pauses: how long a carrier gets nothing after it said, or did not answer, as if it wanted nothing.

What is told of one number alone may be about that, so a carrier rests when it is told of another one too.
"""

import time
from collections.abc import Callable

from services.delivery.carriers.carrier import Accepted, NotSent, Outcome, Refusal, Refused, Unknown

_FIRST_SECONDS = {Refusal.SLOW_DOWN: 1.0, Refusal.ACCOUNT: 60.0}
# Two numbers within this time speak for all.
_TOGETHER_SECONDS = 5.0
_MOST_SECONDS = {Refusal.SLOW_DOWN: 60.0, Refusal.ACCOUNT: 900.0}


class Pause:
    """The pauses of one carrier, each twice as long as the one before, until something is accepted again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._times = 0
        self._last = ("", float("-inf"))

    def after(self, outcome: Outcome, number: str) -> float:
        """Return for how many seconds to hold the carrier after what it said of a number, 0 for not at all."""
        if isinstance(outcome, Accepted):
            self._times = 0
            self._last = ("", float("-inf"))
            return 0.0
        kind = _kind(outcome)
        if kind is None or self._clock() < self._until or self._is_alone(outcome, number):
            return 0.0
        asked = (outcome.after_seconds or 0.0) if isinstance(outcome, Refused) else 0.0
        seconds: float = max(asked, min(_MOST_SECONDS[kind], _FIRST_SECONDS[kind] * 2.0**self._times))
        self._times += 1
        self._until = self._clock() + seconds
        return seconds

    def _is_alone(self, outcome: Outcome, number: str) -> bool:
        """Whether this may be about one number only."""
        if self._times or isinstance(outcome, NotSent) or _is_of_account(outcome):
            return False
        (other, at), self._last = self._last, (number, self._clock())
        return other == number or self._clock() - at > _TOGETHER_SECONDS


def _is_of_account(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.kind is Refusal.ACCOUNT


def _kind(outcome: Outcome) -> Refusal | None:
    if isinstance(outcome, NotSent | Unknown):
        return Refusal.SLOW_DOWN
    kind = outcome.kind if isinstance(outcome, Refused) else None
    return kind if kind in _FIRST_SECONDS else None
