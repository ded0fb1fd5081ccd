"""Pending: the requests of a session that wait for their answers, by their numbers."""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.pdus import Pdu

# Of so many requests of a session answers may still come late.
_MOST_LATE = 1000


class NoAnswer(Exception):  # noqa: N818 - it is what happened
    """The request was written; no answer came. A `late` one may still, or none when the session ends."""

    def __init__(self, why: str, late: "asyncio.Future[Pdu | None] | None" = None) -> None:
        super().__init__(why)
        self.late = late


class _Asked(NamedTuple):
    command: int
    answer: "asyncio.Future[Pdu]"


class _Overdue(NamedTuple):
    command: int
    answer: "asyncio.Future[Pdu | None]"

    def tell(self, pdu: Pdu | None) -> None:
        # Whoever waited may have given up.
        if not self.answer.done():
            self.answer.set_result(pdu)


class Pending:
    """Numbers requests, and gives each its answer, in time or late."""

    def __init__(self) -> None:
        self._asked: dict[int, _Asked] = {}
        self._overdue: OrderedDict[int, _Overdue] = OrderedDict()
        self._sequence = 0

    def add(self, request: bytes) -> tuple[int, "asyncio.Future[Pdu]"]:
        """Return the number of a request, and what will be its answer."""
        self._sequence = self._sequence % pdus.LAST_SEQUENCE + 1
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._asked[self._sequence] = _Asked(pdus.pdu(request).command, answer)
        return self._sequence, answer

    def forget(self, sequence: int) -> None:
        self._asked.pop(sequence, None)

    def late(self, sequence: int) -> "asyncio.Future[Pdu | None]":
        """Return what will be the answer to a request whose time is over."""
        answer: asyncio.Future[Pdu | None] = asyncio.get_running_loop().create_future()
        self._overdue[sequence] = _Overdue(self._asked[sequence].command, answer)
        if len(self._overdue) > _MOST_LATE:
            _, oldest = self._overdue.popitem(last=False)
            oldest.tell(None)
        return answer

    def settle_late(self, pdu: Pdu) -> None:
        """Give an answer to a request whose time is over, if it is one."""
        overdue = self._overdue.get(pdu.sequence)
        if overdue and pdu.command in (pdus.GENERIC_NACK, pdus.answer_to(overdue.command)):
            del self._overdue[pdu.sequence]
            overdue.tell(pdu)

    def is_awaited(self, pdu: Pdu) -> bool:
        """Whether somebody still waits for an answer of that number."""
        asked = self._asked.get(pdu.sequence)
        return asked is not None and not asked.answer.done()

    def settle(self, pdu: Pdu) -> int | None:
        """Give the answer to a request that waits for it; return that one's command, or none if it was no answer."""
        asked = self._asked[pdu.sequence]
        if pdu.command not in (pdus.GENERIC_NACK, pdus.answer_to(asked.command)):
            return None
        asked.answer.set_result(pdu)
        return asked.command

    def fail(self, why: str) -> None:
        """Let all know that no answer comes any more."""
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(NoAnswer(why))
        for overdue in self._overdue.values():
            overdue.tell(None)
        self._overdue.clear()

    async def drained(self, seconds: float) -> None:
        """Wait for the answers that are still to come, so long at most."""
        waiting = [each.answer for each in self._asked.values() if not each.answer.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
