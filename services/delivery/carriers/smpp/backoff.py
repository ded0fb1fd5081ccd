"""Backoff: how long after a link ended, or could not be made, the next one is tried."""

import random
from collections.abc import Mapping
from typing import NamedTuple

from services.delivery.carriers.smpp import statuses

# A link that lasted so long was a good one.
_GOOD_SECONDS = 30.0


class _Waits(NamedTuple):
    first: float
    most: float


_ANY = _Waits(0.5, 60.0)
_BY_STATUS: Mapping[int, _Waits] = {
    # Wrong names and passwords: somebody has to look.
    **dict.fromkeys(statuses.ACCOUNT, _Waits(60.0, 900.0)),
    # Our own link of before, which the carrier takes for alive.
    statuses.ALREADY_BOUND: _Waits(5.0, 60.0),
}


class Backoff:
    """Waits twice as long each time, with jitter, until a link lasts."""

    def __init__(self) -> None:
        self._times = 0

    def after(self, *, lasted: float = 0.0, status: int = 0) -> float:
        """Return the seconds to wait after a link that lasted so long, or was refused with a status."""
        self._times = 0 if lasted > _GOOD_SECONDS else self._times
        waits = _BY_STATUS.get(status, _ANY)
        longest: float = min(waits.most, waits.first * 2.0**self._times)
        self._times = min(self._times + 1, 12)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def is_of_account(status: int) -> bool:
    """Whether somebody has to look at what we are called and our password."""
    return status in _BY_STATUS and status != statuses.ALREADY_BOUND
