"""Events that somebody has and has yet to handle: how old the oldest of them is."""

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.contract.events import Event


class Unhandled:
    """The events of one consumer; what is handed back counts until it `begin`s to consume again."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._held: dict[int, int] = {}
        self._handed_back: float = math.inf

    @contextmanager
    def holding(self, events: Sequence[Event]) -> Iterator[None]:
        """Count events for the length of the block; where it raises they are handed back."""
        if not events:
            yield
            return
        number, written_at = next(self._numbers), min(event.at for event in events)
        self._held[number] = written_at
        try:
            yield
        except BaseException:
            self._handed_back = min(written_at, self._handed_back)
            raise
        finally:
            del self._held[number]

    def begin(self) -> None:
        """Forget what was handed back, for it comes again now."""
        self._handed_back = math.inf

    def age(self) -> float:
        """Return the age of the oldest in seconds, 0 where there is none."""
        return max(0.0, time.time() - min((*self._held.values(), self._handed_back)) / 1000)
