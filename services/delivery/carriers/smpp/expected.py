"""Expected: messages under way that a receipt may name by our reference, where no answer gives their id."""

import asyncio
from collections import OrderedDict

from services.delivery.carriers.carrier import Submission
from services.delivery.carriers.smpp import parts

_MOST = 10_000


class Expected:
    """Messages of one part: those of a long one have one reference, and a receipt of one says nothing of the others."""

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[int, str], asyncio.Future[str]] = OrderedDict()

    def add(self, submission: Submission) -> "asyncio.Future[str]":
        """Return what will be the id that the carrier has for it, if a receipt says so."""
        key = parts.reference(submission), submission.recipient
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ids[key] = told
        if len(self._ids) > _MOST:
            self._ids.popitem(last=False)
        return told

    def forget(self, submission: Submission, told: "asyncio.Future[str]") -> None:
        key = parts.reference(submission), submission.recipient
        if self._ids.get(key) is told:
            del self._ids[key]

    def told(self, reference: int, number: str | None, carrier_id: str) -> None:
        """Take what a receipt says; references come again after 65,536 messages, so its number must be known too."""
        told = self._ids.get((reference, number or ""))
        if told is not None and not told.done():
            told.set_result(carrier_id)
