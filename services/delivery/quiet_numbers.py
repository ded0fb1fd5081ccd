"""Quiet numbers: one whose message a carrier held back gets nothing for a while; its phone may be full."""

import time
from collections import OrderedDict
from collections.abc import Callable

from services.delivery.carriers.carrier import Outcome, Refusal, Refused

# As long as a message waits that was held back without a time.
_SECONDS = 2.0
_MOST = 10_000


class QuietNumbers:
    """The numbers to which one carrier takes nothing now, as far as this process was told."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def rest(self, number: str) -> float:
        """Return for how many seconds a number gets nothing, 0 for one that may."""
        until = self._until.get(number)
        return 0.0 if until is None else max(0.0, until - self._clock())

    def after(self, outcome: Outcome, number: str) -> None:
        """Note what a carrier said of a message to a number."""
        self._until.pop(number, None)
        if isinstance(outcome, Refused) and outcome.kind is Refusal.SLOW_DOWN:
            self._until[number] = self._clock() + (outcome.after_seconds or _SECONDS)
            if len(self._until) > _MOST:
                self._until.popitem(last=False)
