"""Replies: what a worker sends back, coalesced for each caller's reply queue.

A reply leaves at once while none is being written to its queue; otherwise what gathers meanwhile leaves together. A
large one leaves in numbered parts, so that no message comes near what a broker refuses.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractExchange

from shared.bus.envelope import Reply, pack_replies
from shared.bus.link import LinkLost, Session, broker_await, open_channel
from shared.contract.faults import Fault

logger = logging.getLogger(__name__)

PART_BYTES = 1_048_576
REPLY_BYTES = 64 * 1_048_576
_MESSAGE_BYTES = 262_144
_PENDING_BYTES = 64 * 1_048_576


class Replies:
    """Sends replies; one that cannot be sent is dropped, and its caller learns 99 from the spent budget."""

    def __init__(self) -> None:
        self._exchange: AbstractExchange | None = None
        self._open = asyncio.Event()
        self._waiting: dict[str, deque[Reply]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._pending = 0
        self._room = asyncio.Event()
        self._room.set()

    def add(self, reply_to: str, reply: Reply) -> None:
        """Send a reply to the queue of its caller."""
        parts = list(_parts(reply))
        self._count(_size(parts))
        self._waiting.setdefault(reply_to, deque()).extend(parts)
        if reply_to not in self._writers:
            self._writers[reply_to] = asyncio.create_task(self._write(reply_to))

    async def room(self) -> None:
        """Wait while more than 64 MiB are still to be written."""
        await self._room.wait()

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
                replies = _next_message(waiting)
                self._count(-_size(replies))
                await self._publish(reply_to, replies)
        except LinkLost as lost:
            logger.warning("replies dropped", extra={"reason": str(lost), "replies": len(waiting)})
        finally:
            self._count(-_size(waiting))
            del self._waiting[reply_to], self._writers[reply_to]

    async def _publish(self, reply_to: str, replies: list[Reply]) -> None:
        async with broker_await():
            await self._open.wait()
            if self._exchange is None:
                raise LinkLost("not connected")
            await self._exchange.publish(aio_pika.Message(pack_replies(replies)), reply_to, mandatory=False)

    def _count(self, size: int) -> None:
        self._pending += size
        if self._pending > _PENDING_BYTES:
            self._room.clear()
        else:
            self._room.set()


def _parts(reply: Reply) -> Iterator[Reply]:
    size = len(reply.body)
    if size > REPLY_BYTES:
        logger.error("reply too large", extra={"bytes": size})
        yield Reply(reply.id, Fault.UNAVAILABLE, b"")
    elif size <= PART_BYTES:
        yield reply
    else:
        count = -(-size // PART_BYTES)
        run = secrets.randbits(32)
        for part in range(count):
            body = reply.body[part * PART_BYTES : (part + 1) * PART_BYTES]
            yield reply._replace(body=body, part=part, parts=count, run=run)


def _next_message(waiting: deque[Reply]) -> list[Reply]:
    replies = [waiting.popleft()]
    size = len(replies[0].body)
    while waiting and size + len(waiting[0].body) <= _MESSAGE_BYTES:
        replies.append(waiting.popleft())
        size += len(replies[-1].body)
    return replies


def _size(replies: "list[Reply] | deque[Reply]") -> int:
    return sum(len(reply.body) for reply in replies)
