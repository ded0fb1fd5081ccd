"""Pending: the requests of a session that wait for their answers, by their numbers."""

import asyncio
from typing import NamedTuple

from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.pdus import Pdu


class NoAnswer(Exception):  # noqa: N818 - it is what happened
    """The request was written; no answer came."""


class _Asked(NamedTuple):
    command: int
    answer: "asyncio.Future[Pdu]"


class Pending:
    """Numbers requests, and gives each its answer."""

    def __init__(self) -> None:
        self._asked: dict[int, _Asked] = {}
        self._sequence = 0

    def add(self, request: bytes) -> tuple[int, "asyncio.Future[Pdu]"]:
        """Return the number of a request, and what will be its answer."""
        self._sequence = self._sequence % pdus.LAST_SEQUENCE + 1
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._asked[self._sequence] = _Asked(pdus.pdu(request).command, answer)
        return self._sequence, answer

    def forget(self, sequence: int) -> None:
        self._asked.pop(sequence, None)

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

    async def drained(self, seconds: float) -> None:
        """Wait for the answers that are still to come, so long at most."""
        waiting = [each.answer for each in self._asked.values() if not each.answer.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
