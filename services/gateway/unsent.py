"""Answers on their way: what clients have not read yet is in this process's memory, which must stay bounded."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiohttp import web

from shared.metrics import answers

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
# A client that reads nothing for so long is gone.
_GONE_SECONDS = 30.0
# While there is no room, one that reads nothing for so long makes room for the others.
_STALLED_SECONDS = 5.0
# Nor may one who reads a little now and then keep everybody else out.
_SLOW_SECONDS = 60.0
# What a transport takes before it makes its writer wait; less is not worth watching.
_LONG_OCTETS = 65_536


@dataclass(slots=True, eq=False)
class _Sending:
    transport: asyncio.Transport
    size: int
    left: int
    moved_at: float
    began_at: float


class Unsent:
    """Sends answers, and cuts off clients that do not read theirs.

    `most` is how many octets the long answers may have that are still to be sent.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sending: set[_Sending] = set()
        self._octets = 0
        answers.unsent(lambda: self._octets)

    def room(self, octets: int = _LONG_OCTETS) -> bool:
        """Return whether there is room for an answer; for a short one there always is."""
        return octets < _LONG_OCTETS or self._octets <= self._most

    async def send(self, request: web.BaseRequest, response: web.Response) -> None:
        """Write an answer that is long, or that comes behind one which its client has not read yet."""
        transport, size = request.transport, response.content_length or 0
        if transport is None or (size < _LONG_OCTETS and not transport.get_write_buffer_size()):
            return  # what is short is written at once, by the server
        now = time.monotonic()
        sending = _Sending(transport, size, size, now, now)
        self._sending.add(sending)
        try:
            with self.holding(size):
                await response.prepare(request)
                await response.write_eof()
        finally:
            # The end of it may still be in the transport; whether it gets away is looked after too.
            sending.size = 0

    @contextmanager
    def holding(self, octets: int) -> Iterator[None]:
        """Count an answer that is in memory for the length of the block."""
        self._octets += octets
        try:
            yield
        finally:
            self._octets -= octets

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look after the clients until the end of the block."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Note what has been read, and cut off those who have not read for too long."""
        for sending in tuple(self._sending):
            left = sending.transport.get_write_buffer_size()
            if not left and not sending.size:
                self._sending.remove(sending)
            elif left != sending.left:
                # More is left when the next answer of the connection has come behind this one.
                sending.left, sending.moved_at = left, now
        excess = self._octets - self._most
        for sending in sorted(self._sending, key=lambda each: each.moved_at):
            if self._is_lost(sending, now, full=excess > 0):
                excess -= sending.size
                logger.warning("client does not read its answer", extra={"octets": sending.left})
                sending.transport.abort()

    @staticmethod
    def _is_lost(sending: _Sending, now: float, *, full: bool) -> bool:
        if full and now - sending.began_at >= _SLOW_SECONDS:
            return True
        return now - sending.moved_at >= (_STALLED_SECONDS if full else _GONE_SECONDS)
