"""Repeats: whether a message that comes is the one that came before, since SMPP gives messages no ids.

A carrier brings again what it got no answer to, mostly over another link. Who says the same twice has two messages.
"""

import hashlib
import time
from collections import OrderedDict
from typing import NamedTuple, Protocol

_MOST = 10_000
# How long a carrier tries again with the same message.
_REPEATED_SECONDS = 600.0
# An answer that took longer may have come too late, and one that was written so short before the link ended not at all.
_SLOW_SECONDS = 5.0
_LOST_SECONDS = 15.0
# What was lost with its link comes again as soon as there is another.
_AGAIN_SECONDS = 60.0
# Within one such time two workers give the same message the same id: one may have died before it answered. Longer, and
# who says the same twice would have one message.
_TOGETHER_SECONDS = 60


class Origin(Protocol):
    """The link over which a message came, and since when that is no more."""

    @property
    def ended_at(self) -> float | None: ...


class _Came(NamedTuple):
    inbound_id: str
    times: int
    at: float
    origin: Origin
    answered_at: float | None = None
    is_refused: bool = False


class Repeats:
    """Gives ids to messages by what they say."""

    def __init__(self) -> None:
        self._came: OrderedDict[str, _Came] = OrderedDict()

    def id_of(self, said: bytes, origin: Origin) -> str:
        """Return the id of what came over a link: the one that it had if it came before."""
        now = time.monotonic()
        key = _key(said)
        before = self._came.get(key)
        if before is not None and now - before.at > _REPEATED_SECONDS:
            before = None
        if before is not None and _is_repeated(before, origin, now):
            came = before._replace(at=now, origin=origin, answered_at=None, is_refused=False)
        else:
            times = before.times + 1 if before else 0
            came = _Came(f"{key}-{int(time.time()) // _TOGETHER_SECONDS}-{times}", times, now, origin)
        self._came[key] = came
        self._came.move_to_end(key)
        if len(self._came) > _MOST:
            self._came.popitem(last=False)
        return came.inbound_id

    def answered(self, said: bytes, *, kept: bool) -> None:
        """Note that the carrier is told that it is kept, or is not and may be brought again."""
        key = _key(said)
        came = self._came.get(key)
        if came is not None:
            self._came[key] = came._replace(answered_at=time.monotonic(), is_refused=not kept)


def _key(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:40]


def _is_repeated(before: _Came, origin: Origin, now: float) -> bool:
    answered_at = before.answered_at
    if answered_at is None and before.origin is not origin:
        return True
    # Two that come in one moment over one link are two.
    if before.is_refused or (answered_at or now) - before.at > _SLOW_SECONDS:
        return True
    ended_at = before.origin.ended_at
    if ended_at is None or answered_at is None:
        return False
    return ended_at - answered_at < _LOST_SECONDS and now - ended_at < _AGAIN_SECONDS
