"""Quiet numbers: one whose message a carrier held back gets nothing for a while; its phone may be full."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from services.delivery.carriers.carrier import Outcome, Refusal, Refused

# As long as a message waits that was held back without a time.
_SECONDS = 2.0
_MOST_SECONDS = 900.0
_MOST = 10_000


class _Rest(NamedTuple):
    """Until when a number rests, how long its last rest was, and whether one message tries what it says now."""

    until: float
    seconds: float
    is_tried: bool = False


class QuietNumbers:
    """The numbers to which one carrier takes nothing now, as far as this process was told.

    After a rest one message goes first. When it is held back as well, the next rest is twice as long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests: OrderedDict[str, _Rest] = OrderedDict()

    def rest(self, number: str) -> float:
        """Return for how many seconds a number gets nothing, 0 for whoever may try it now."""
        rest = self._rests.get(number)
        if rest is None:
            return 0.0
        now = self._clock()
        if now < rest.until:
            return rest.until - now
        self._rests[number] = _Rest(now + _SECONDS, rest.seconds, is_tried=True)
        return 0.0

    def after(self, outcome: Outcome, number: str) -> Outcome:
        """Note what a carrier said of a message to a number; return it with how long its number rests."""
        known = self._rests.pop(number, None)
        if not isinstance(outcome, Refused) or outcome.kind not in (Refusal.SLOW_DOWN, Refusal.FULL):
            return outcome
        rest = self._rests[number] = self._next(known, outcome.after_seconds or _SECONDS)
        if len(self._rests) > _MOST:
            self._rests.popitem(last=False)
        return outcome._replace(after_seconds=rest.until - self._clock())

    def _next(self, known: _Rest | None, asked: float) -> _Rest:
        """Return the rest of a number that rested before; those that were under way with the first say the same."""
        now = self._clock()
        if known and now < known.until and not known.is_tried:
            return known
        seconds = asked if known is None else max(asked, min(_MOST_SECONDS, 2 * known.seconds))
        return _Rest(now + seconds, seconds)
