"""The subscriber: gives the events of one queue to a handler, until each of them is handled or is a dead letter.

A handler that fails on an event gets it again, later and later, and at last it becomes a dead letter. When something
that the handler depends on is away nothing is counted: the subscriber hands back what it holds, and consumes again
when the dependency is back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage, AbstractQueue

from shared import failpoints
from shared.bus.depths import watch_depths
from shared.bus.envelope import EnvelopeError, UnknownVersionError
from shared.bus.events import attempts, batch_message, batch_of, dead_letter, deliveries, is_known, unpack_events
from shared.bus.link import LinkLost, Session, broker_await, first_of, open_channel
from shared.bus.topology import ATTEMPTS, EventQueue, declare_events
from shared.bus.unhandled import Unhandled
from shared.bus.watchdog import Deliveries, Watchdog
from shared.contract.events import Event
from shared.contract.faults import Away
from shared.metrics.events import QueueEvents

logger = logging.getLogger(__name__)

_PREFETCH_PER_SLOT = 2
# Each delay is so many times the one before it.
_GROWTH = 4
_PROBE_SECONDS = 1.0
# Far from the broker's limit of 1,000, and seldom enough to cost nothing.
_DELIVERIES = 100

_Failure = tuple[Event, str]

# Returns the events that it could not handle yet, through no fault of theirs, such as those of a locked mailbox.
Handler = Callable[[Sequence[Event]], Awaitable[Sequence[Event]]]
# Raises `Away` while the handler could do nothing.
Probe = Callable[[], Awaitable[None]]


class Subscriber:
    """Handles the events of one queue. Give `consuming` to one link and `publishing` to another.

    `slots` batches are handled at a time; `retry_seconds` is the first delay of an event whose handler failed.
    """

    def __init__(self, queue: EventQueue, handler: Handler, probe: Probe, *, slots: int, retry_seconds: float) -> None:
        self.queue = queue
        self._handler = handler
        self._probe = probe
        self._slots = asyncio.Semaphore(slots)
        self._retry_seconds = retry_seconds
        self._deliveries = Deliveries(queue.name, prefetch=_PREFETCH_PER_SLOT * slots)
        self._watchdog = Watchdog()
        self._away = asyncio.Event()
        self._draining = asyncio.Event()
        self._running: set[asyncio.Task[object]] = set()
        self._exchange: AbstractExchange | None = None
        self._unhandled = Unhandled()
        self._measures = QueueEvents(queue.name, self._away.is_set, self._unhandled.age)

    @asynccontextmanager
    async def publishing(self, session: Session) -> AsyncIterator[None]:
        """Open what hands on events that must come again, with confirms."""
        async with open_channel(session, confirms=True) as channel:
            await declare_events(channel, self.queue)
            self._exchange = channel.default_exchange
            try:
                yield
            finally:
                self._exchange = None

    @asynccontextmanager
    async def consuming(self, session: Session) -> AsyncIterator[None]:
        """Open the consumer."""
        async with open_channel(session, confirms=False) as channel:
            await declare_events(channel, self.queue)
            self._deliveries.unacknowledged = 0
            tasks = [
                asyncio.create_task(self._consume(session, channel)),
                asyncio.create_task(self._watchdog.watch(session, channel, [self._deliveries])),
            ]
            try:
                async with watch_depths(session, self.queue):
                    yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    async def drain(self) -> None:
        """Take no more, and finish what is being handled."""
        self._draining.set()
        while self._running:
            await asyncio.wait(self._running)

    async def _consume(self, session: Session, channel: AbstractChannel) -> None:
        """Consume, but not while a dependency is away."""
        try:
            async with broker_await():
                await channel.set_qos(prefetch_count=self._deliveries.prefetch)
                queue = await channel.get_queue(self.queue.name)
            while not self._draining.is_set():
                await self._consume_until_away(queue)
                await self._until_back()
        except LinkLost as lost:
            logger.warning("events not consumed", extra={"queue": self.queue.name, "reason": str(lost)})
            session.lost.set()
        except Exception:
            # A bug, but a consumer that ended would leave a process that looks well and handles nothing.
            logger.exception("events not consumed", extra={"queue": self.queue.name})
            session.lost.set()

    async def _consume_until_away(self, queue: AbstractQueue) -> None:
        self._away.clear()
        self._unhandled.begin()
        async with broker_await():
            tag = await queue.consume(self._receive)
        self._deliveries.paused = False
        await first_of(self._away, self._draining)
        self._deliveries.paused = True
        async with broker_await():
            await queue.cancel(tag)

    async def _until_back(self) -> None:
        while not self._draining.is_set():
            await asyncio.sleep(_PROBE_SECONDS)
            try:
                await self._probe()
            except Away as away:
                logger.warning("events wait", extra={"queue": self.queue.name, "reason": away.reason})
            except Exception as error:
                logger.warning("events wait", extra={"queue": self.queue.name}, exc_info=error)
            else:
                return

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self._deliveries.delivered += 1
        self._deliveries.unacknowledged += 1
        try:
            async with self._slots:
                await (self._hand_back(message) if self._away.is_set() else self._take(message))
        except LinkLost as lost:
            # Unacknowledged it comes again.
            logger.warning("events not acknowledged", extra={"queue": self.queue.name, "reason": str(lost)})
        finally:
            # Also where the broker does not know it: the watchdog then sees a consumer that gets nothing.
            self._deliveries.unacknowledged -= 1

    async def _take(self, message: AbstractIncomingMessage) -> None:
        await failpoints.reached("subscriber.received")
        try:
            await self._settle(message)
        except (Away, LinkLost) as away:
            logger.warning("events wait", extra={"queue": self.queue.name, "reason": str(away)})
            await self._hand_back(message)
        except Exception:
            # A bug of ours, and no reason to lose events: they come again, and in the end the broker counts them out.
            logger.exception("events not handled", extra={"queue": self.queue.name})
            self._away.set()
            await _requeue(message)
        else:
            await failpoints.reached("subscriber.handled")
            async with broker_await():
                await message.ack()

    async def _hand_back(self, message: AbstractIncomingMessage) -> None:
        """Let a message come again when what is away is back, however often that has happened before."""
        self._away.set()
        if deliveries(message) < _DELIVERIES or not await self._sent_anew(message):
            await _requeue(message)

    async def _sent_anew(self, message: AbstractIncomingMessage) -> bool:
        """Begin the broker's own count anew, or it would make a dead letter of what waits for long."""
        try:
            await self._publish(batch_of(message.body, attempts(message)), self.queue.name)
        except LinkLost:
            return False
        async with broker_await():
            await message.ack()
        return True

    async def _settle(self, message: AbstractIncomingMessage) -> None:
        """Handle the events of a message, and hand on those that must come again."""
        try:
            events = unpack_events(message.body)
        except UnknownVersionError:
            logger.exception("events not readable", extra={"queue": self.queue.name})
            await self._publish(batch_of(message.body, attempts(message)), self.queue.retries[-1])
            return
        except EnvelopeError:
            # No later version will read it either.
            logger.exception("dead letter", extra={"queue": self.queue.name})
            await self._publish(batch_of(message.body, attempts(message)), self.queue.dead)
            self._measures.dead()
            return
        with self._unhandled.holding(events):
            await self._settle_events(events, attempts(message))

    async def _settle_events(self, events: Sequence[Event], count: int) -> None:
        known = [event for event in events if is_known(event)]
        unknown = [event for event in events if not is_known(event)]
        later, failed = await self._handled(known)
        await self._again(later, self.queue.retries[0], count)
        await self._again(unknown, self.queue.retries[-1], count)
        await self._failed(failed, count + 1)
        unhandled = {*later, *(event for event, _ in failed)}
        self._measures.handled([event.at for event in known if event not in unhandled])

    async def _handled(self, events: Sequence[Event]) -> tuple[Sequence[Event], list[_Failure]]:
        """Return what is to come later and what failed; one event that fails must not take the others with it."""
        try:
            return await self._handler(events) if events else (), []
        except Away:
            raise
        except Exception as error:
            if len(events) == 1:
                logger.warning("event failed", extra={"queue": self.queue.name}, exc_info=error)
                return (), [(events[0], type(error).__name__)]
        outcomes = [await self._handled([event]) for event in events]
        return [event for later, _ in outcomes for event in later], [each for _, failed in outcomes for each in failed]

    async def _failed(self, failed: Sequence[_Failure], count: int) -> None:
        if count < ATTEMPTS:
            await self._again([event for event, _ in failed], self.queue.retries[count - 1], count)
            return
        for event, error in failed:
            logger.error("dead letter", extra={"queue": self.queue.name, "error": error})
            await self._publish(dead_letter(event, attempts=count, error=error), self.queue.dead)
            self._measures.dead()

    async def _again(self, events: Sequence[Event], queue: str, count: int) -> None:
        if events:
            await self._publish(batch_message(events, attempts=count), queue)
            self._measures.retried(len(events))

    async def _publish(self, message: aio_pika.Message, queue: str) -> None:
        if self._exchange is None:
            raise LinkLost("not connected")
        if queue in self.queue.retries:
            message.expiration = self._retry_seconds * _GROWTH ** self.queue.retries.index(queue)
        async with broker_await():
            await self._exchange.publish(message, queue)


async def _requeue(message: AbstractIncomingMessage) -> None:
    async with broker_await():
        await message.nack(requeue=True)
