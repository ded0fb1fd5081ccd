"""The relay: events leave the outbox for the queue of those who want them, and are gone there once they are taken.

Every process that writes has one for each event queue, so that a queue that is full or slow holds up no other. Each
moves what its process wrote, so that what was written together leaves together, and what another one left for too long.
An event leaves again when its process dies between the broker's confirm and the commit, so it comes at least once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from aio_pika.abc import AbstractExchange

from shared import failpoints
from shared.bus.depths import watch_depths
from shared.bus.events import BATCH_EVENTS, batch_message, batches
from shared.bus.link import LinkLost, Session, broker_await, open_channel
from shared.bus.topology import EventQueue, declare_events
from shared.contract.events import Event
from shared.metrics import events as metrics

logger = logging.getLogger(__name__)

# How often to look for what others left: the command line, which has no relay, or a process that died.
_IDLE_SECONDS = 0.5
_LEFT_SECONDS = 1.0
# Where there are more than one message holds, there is no need to let them gather for longer.
_NEXT_SECONDS = 0.05
_AWAY_SECONDS = 1.0


class Outbox(Protocol):
    """Where the events of a queue wait."""

    def taken(self, waiting_seconds: float) -> AbstractAsyncContextManager[Sequence[Event]]:
        """Give some events, or none while the first one has waited for less than so long.

        They are gone when the block ends, and stay when it raises.
        """


class Relay:
    """Moves events from the outbox to their queue: `round` again and again, `publishing` on a link.

    One that was told of events takes them at once; else it takes what nobody took in time.
    """

    def __init__(self, outbox: Outbox, queue: EventQueue) -> None:
        self._outbox = outbox
        self.queue = queue
        self._exchange: AbstractExchange | None = None
        self._open = asyncio.Event()
        self._told = True

    def tell(self) -> None:
        """Say that there are new events."""
        self._told = True

    @asynccontextmanager
    async def publishing(self, session: Session) -> AsyncIterator[None]:
        """Open what publishes events, with confirms."""
        async with open_channel(session, confirms=True) as channel:
            await declare_events(channel, self.queue)
            self._exchange = channel.default_exchange
            self._open.set()
            try:
                yield
            finally:
                self._exchange = None
                self._open.clear()

    @asynccontextmanager
    async def watching(self, session: Session) -> AsyncIterator[None]:
        """Open what tells the metrics how much the queue has, for when nobody is there who consumes it."""
        async with open_channel(session, confirms=False) as channel:
            await declare_events(channel, self.queue)
        async with watch_depths(session, self.queue):
            yield

    async def round(self) -> float:
        """Move some events and return the seconds until the next round; raises `DatabaseError`."""
        await self._open.wait()
        told, self._told = self._told, False
        try:
            async with self._outbox.taken(0.0 if told else _LEFT_SECONDS) as events:
                await self._publish(events)
        except LinkLost as lost:
            logger.warning("events not taken", extra={"queue": self.queue.name, "reason": str(lost)})
            return _AWAY_SECONDS
        metrics.relayed(len(events))
        # There may be more of them.
        self._told |= told and bool(events)
        # What gathers meanwhile leaves together; nobody waits for an event.
        await asyncio.sleep(self.queue.gather_seconds if len(events) < BATCH_EVENTS else _NEXT_SECONDS)
        return 0.0 if events else _IDLE_SECONDS

    async def _publish(self, events: Sequence[Event]) -> None:
        for batch in batches(events):
            async with broker_await():
                await self._exchange_now().publish(batch_message(batch), self.queue.name)
        if events:
            await failpoints.reached("relay.published")

    def _exchange_now(self) -> AbstractExchange:
        if self._exchange is None:
            raise LinkLost("not connected")
        return self._exchange
