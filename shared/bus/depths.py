"""Depths: how many messages a queue has ready, and how many consume it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.bus.envelope import EnvelopeError
from shared.bus.events import unpack_events
from shared.bus.link import LinkLost, Session, broker_await, open_channel
from shared.bus.topology import EventQueue
from shared.metrics import events as metrics

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0


class Depth(NamedTuple):
    """What a queue has; both None where the broker has no such queue."""

    queue: str
    messages: int | None = None
    consumers: int | None = None


async def look(channel: AbstractChannel, queue: str) -> Depth:
    """Look at one queue; a channel is lost where there is none."""
    declared = (await channel.declare_queue(queue, passive=True)).declaration_result
    return Depth(queue, declared.message_count or 0, declared.consumer_count or 0)


async def depth(session: Session, queue: str) -> Depth:
    """Look at one queue, which need not be there."""
    # A channel of its own, for the broker closes it when there is no such queue.
    async with broker_await():
        channel = await session.connection.channel(publisher_confirms=False)
        try:
            found = await look(channel, queue)
        except ChannelNotFoundEntity:
            return Depth(queue)
        await channel.close()
    return found


async def oldest_at(session: Session, queue: str) -> int | None:
    """Return when the first event of an event queue was written, in ms since 1970; None where none can be seen.

    The broker counts a look as one delivery of that message.
    """
    async with broker_await():
        channel = await session.connection.channel(publisher_confirms=False)
        try:
            message = await (await channel.get_queue(queue, ensure=True)).get(fail=False)
        except ChannelNotFoundEntity:
            return None
        if message is not None:
            await message.nack(requeue=True)
        await channel.close()
    try:
        return None if message is None else min((event.at for event in unpack_events(message.body)), default=None)
    except EnvelopeError:
        return None


@asynccontextmanager
async def watch_depths(session: Session, queue: EventQueue) -> AsyncIterator[None]:
    """Tell the metrics the depth of a declared event queue and of those behind it, while the block lasts."""
    async with open_channel(session, confirms=False) as channel:
        watch = asyncio.create_task(_watch(session, channel, queue))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            metrics.event_queues_unknown(queue.arguments)


async def _watch(session: Session, channel: AbstractChannel, queue: EventQueue) -> None:
    try:
        while True:
            for name in queue.arguments:
                async with broker_await():
                    found = await look(channel, name)
                metrics.event_queue(name, found.messages or 0, found.consumers or 0)
            await asyncio.sleep(_LOOK_SECONDS)
    except LinkLost as lost:
        logger.warning("event queues not counted", extra={"queue": queue.name, "reason": str(lost)})
        session.lost.set()
