"""Windows: how often something may happen in so many seconds, sliding in steps of a twentieth of them.

What counts is the step that is running and the 19 before it. So nobody is refused who had room in a whole window, a
burst is forgotten when the window is over, and what is remembered of a caller are 20 numbers at most.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

STEPS = 20
# What one window remembers in this process, twice: more callers than that, and the ones unseen for longest are let go.
_CALLERS = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """At most `quota` calls in `seconds`, of each caller by itself."""

    name: str
    quota: int
    seconds: int


class Ask(NamedTuple):
    """Whether a window has room for a caller; the call takes it, or only looks."""

    window: Window
    caller: str
    takes: bool = True


class Standing(NamedTuple):
    """What a caller has used of a window, and the seconds after which it has used less."""

    used: int
    seconds: float


class Verdict(NamedTuple):
    """Whether every window that was asked had room, and where the caller stands in each of them now."""

    accepted: bool
    standings: Sequence[Standing]


ACCEPTED = Verdict(accepted=True, standings=())


@dataclass(slots=True, eq=False)
class _Used:
    """What one caller used: steps and how often in each, the oldest first."""

    steps: list[list[int]] = field(default_factory=list)
    total: int = 0

    def forget_until(self, step: int) -> None:
        while self.steps and self.steps[0][0] <= step:
            self.total -= self.steps.pop(0)[1]

    def add(self, step: int) -> None:
        self.total += 1
        if self.steps and self.steps[-1][0] == step:
            self.steps[-1][1] += 1
        else:
            self.steps.append([step, 1])


class _Callers:
    """The callers of one window, in two generations: one unseen for longer than the window goes with the older."""

    def __init__(self, window: Window) -> None:
        self._seconds = window.seconds
        self._step_seconds = window.seconds / STEPS
        self._young: dict[str, _Used] = {}
        self._old: dict[str, _Used] = {}
        self._until = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, caller: str, now: float) -> _Used:
        if now >= self._until or len(self._young) >= _CALLERS:
            self._old, self._young = self._young, {}
            self._until = now + self._seconds
        used = self._young.get(caller) or self._old.pop(caller, None) or _Used()
        self._young[caller] = used
        used.forget_until(self.step(now) - STEPS)
        return used

    def step(self, now: float) -> int:
        return int(now / self._step_seconds)

    def standing(self, used: _Used, now: float) -> Standing:
        if not used.steps:
            return Standing(0, self._seconds)
        return Standing(used.total, (used.steps[0][0] + STEPS) * self._step_seconds - now)


class Memory:
    """Windows in the memory of this process; `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[Window, _Callers] = {}

    def __len__(self) -> int:
        return sum(map(len, self._windows.values()))

    def take(self, asks: Sequence[Ask]) -> Verdict:
        """Take from every window, or from none where one of them has no room."""
        now = self._clock()
        callers = [self._callers(ask.window) for ask in asks]
        found = [each.find(ask.caller, now) for each, ask in zip(callers, asks, strict=True)]
        accepted = all(used.total < ask.window.quota for used, ask in zip(found, asks, strict=True))
        if accepted:
            for each, used, ask in zip(callers, found, asks, strict=True):
                if ask.takes:
                    used.add(each.step(now))
        return Verdict(accepted, [each.standing(used, now) for each, used in zip(callers, found, strict=True)])

    def _callers(self, window: Window) -> _Callers:
        callers = self._windows.get(window)
        if callers is None:
            callers = self._windows[window] = _Callers(window)
        return callers
