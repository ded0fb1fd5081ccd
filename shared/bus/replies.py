"""Replies: what a worker sends back, coalesced for each caller's reply queue.

A reply leaves at once while none is being written to its queue; otherwise what gathers meanwhile leaves together.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractExchange

from shared.bus.envelope import Reply, pack_replies
from shared.bus.link import LinkLost, Session, broker_await, open_channel

logger = logging.getLogger(__name__)

_MESSAGE_BYTES = 262_144
_LINK_SECONDS = 5.0


class Replies:
    """Sends replies; one that cannot be sent is dropped, and its caller learns 99 from the spent budget."""

    def __init__(self) -> None:
        self._exchange: AbstractExchange | None = None
        self._open = asyncio.Event()
        self._waiting: dict[str, deque[Reply]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    def add(self, reply_to: str, reply: Reply) -> None:
        """Send a reply to the queue of its caller."""
        self._waiting.setdefault(reply_to, deque()).append(reply)
        if reply_to not in self._writers:
            self._writers[reply_to] = asyncio.create_task(self._write(reply_to))

    async def flush(self) -> None:
        """Wait until every reply is written."""
        while self._writers:
            await asyncio.wait(list(self._writers.values()))

    @asynccontextmanager
    async def publishing(self, session: Session) -> AsyncIterator[None]:
        """Open what publishes replies: without confirms, and never mandatory, for a caller may be gone."""
        async with open_channel(session, confirms=False) as channel:
            self._exchange = channel.default_exchange
            self._open.set()
            try:
                yield
            finally:
                self._exchange = None
                self._open.clear()

    async def _write(self, reply_to: str) -> None:
        waiting = self._waiting[reply_to]
        try:
            while waiting:
                await self._publish(reply_to, _next_message(waiting))
        except LinkLost as lost:
            logger.warning("replies dropped", extra={"reason": str(lost), "replies": len(waiting)})
        finally:
            del self._waiting[reply_to], self._writers[reply_to]

    async def _publish(self, reply_to: str, replies: list[Reply]) -> None:
        async with broker_await(_LINK_SECONDS):
            await self._open.wait()
            if self._exchange is None:
                raise LinkLost("not connected")
            await self._exchange.publish(aio_pika.Message(pack_replies(replies)), reply_to, mandatory=False)


def _next_message(waiting: deque[Reply]) -> list[Reply]:
    replies = [waiting.popleft()]
    size = len(replies[0].body)
    while waiting and size + len(waiting[0].body) <= _MESSAGE_BYTES:
        replies.append(waiting.popleft())
        size += len(replies[-1].body)
    return replies
