"""Answers on their way: what clients have not read yet is in this process's memory, which must stay bounded."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from shared import metrics

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
# A client that reads nothing for so long is gone.
_GONE_SECONDS = 30.0
# While there is no room, one that reads nothing for so long makes room for the others.
_STALLED_SECONDS = 5.0
# What a transport takes before it makes its writer wait; less is not worth watching.
_LONG_OCTETS = 65_536


@dataclass(slots=True, eq=False)
class _Sending:
    transport: asyncio.Transport
    size: int
    left: int
    moved_at: float


class Unsent:
    """Sends answers, and cuts off clients that do not read theirs.

    `most` is how many octets the answers may have that are not read to their end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sending: set[_Sending] = set()
        self._octets = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for further answers."""
        return self._octets > self._most

    async def send(self, request: web.BaseRequest, response: web.Response) -> None:
        """Write an answer that is long, or that comes behind one which its client has not read yet."""
        transport, size = request.transport, response.content_length or 0
        if transport is None or (size < _LONG_OCTETS and not transport.get_write_buffer_size()):
            return  # what is short is written at once, by the server
        sending = _Sending(transport, size, size, time.monotonic())
        self._sending.add(sending)
        self._octets += size
        try:
            await response.prepare(request)
            await response.write_eof()
        finally:
            self._sending.remove(sending)
            self._octets -= size

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
        metrics.unsent(self._octets)
        for sending in self._sending:
            left = sending.transport.get_write_buffer_size()
            if left < sending.left:
                sending.left, sending.moved_at = left, now
        excess = self._octets - self._most
        for sending in sorted(self._sending, key=lambda each: each.moved_at):
            if now - sending.moved_at < (_STALLED_SECONDS if excess > 0 else _GONE_SECONDS):
                break
            excess -= sending.size
            logger.warning("client does not read its answer", extra={"octets": sending.size})
            sending.transport.abort()
