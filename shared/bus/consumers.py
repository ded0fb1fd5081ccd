"""Who consumes: the number of consumers of each command queue, looked up every second.

`mandatory` never notices a queue that nobody consumes, so a call to one is answered before it is published.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractChannel

from shared.bus.lane import Lane
from shared.bus.link import LinkLost, Session, broker_await, open_channel

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


@asynccontextmanager
async def count_consumers(session: Session, lanes: Iterable[Lane]) -> AsyncIterator[None]:
    """Keep `consumers` of the lanes up to date while the session lasts, and 0 afterwards."""
    lanes = tuple(lanes)
    async with open_channel(session, confirms=False) as channel:
        await _look(channel, lanes)
        watch = asyncio.create_task(_watch(session, channel, lanes))
        try:
            yield
        finally:
            watch.cancel()
            for lane in lanes:
                lane.consumers = 0


async def _watch(session: Session, channel: AbstractChannel, lanes: tuple[Lane, ...]) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await _look(channel, lanes)
        except LinkLost as lost:
            logger.warning("consumers not counted", extra={"reason": str(lost)})
            session.lost.set()
            return


async def _look(channel: AbstractChannel, lanes: tuple[Lane, ...]) -> None:
    for lane in lanes:
        async with broker_await():
            queue = await channel.declare_queue(lane.queue, passive=True)
        lane.consumers = queue.declaration_result.consumer_count or 0
