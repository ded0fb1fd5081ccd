"""Who consumes: the number of consumers of each command queue, looked up every second.

`mandatory` never notices a queue that nobody consumes, so a call to one is answered before it is published. A queue
without consumers is looked at more often, for every call to it is answered 99 until one is seen.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractChannel

from shared.bus.depths import look
from shared.bus.lane import Lane
from shared.bus.link import LinkLost, Session, broker_await, open_channel
from shared.metrics.calls import command_queue

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_LOOKS_BETWEEN_ALL = 5


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
                command_queue(lane.queue, 0, 0)


async def _watch(session: Session, channel: AbstractChannel, lanes: tuple[Lane, ...]) -> None:
    for nth in itertools.count(1):
        await asyncio.sleep(_LOOK_SECONDS)
        everyone = nth % _LOOKS_BETWEEN_ALL == 0
        try:
            await _look(channel, [lane for lane in lanes if everyone or not lane.consumers])
        except LinkLost as lost:
            logger.warning("consumers not counted", extra={"reason": str(lost)})
            session.lost.set()
            return


async def _look(channel: AbstractChannel, lanes: Iterable[Lane]) -> None:
    for lane in lanes:
        async with broker_await():
            found = await look(channel, lane.queue)
        lane.consumers = found.consumers or 0
        command_queue(lane.queue, found.messages or 0, lane.consumers)
