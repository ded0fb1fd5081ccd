"""The server: takes envelopes from command queues, runs their commands by the routes, and replies.

Commands run at most once. An envelope that the broker delivers again may have run before, so if it holds a write all
of it is answered 99. An envelope is acknowledged when its commands are answered, except for those that wait for a
locked mailbox: they must not hold up what comes behind them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from shared import failpoints
from shared.bus.envelope import Command, EnvelopeError, Reply, unpack_commands
from shared.bus.link import LinkLost, Session, broker_await, open_channel
from shared.bus.pulse import Pulse
from shared.bus.replies import Replies
from shared.bus.routes import Route
from shared.bus.running import Runner
from shared.bus.topology import declare_commands
from shared.bus.watchdog import Deliveries, Watchdog
from shared.contract.faults import Fault

logger = logging.getLogger(__name__)

_PREFETCH_PER_SLOT = 2
_HANDED_OVER_SECONDS = 0.05


class Server:
    """Runs the commands of some queues. Give `consuming` to one link and `replies.publishing` to another.

    Each queue has `slots` envelopes running at a time of its own, so that slow commands hold up only their queue.
    """

    def __init__(self, routes: Iterable[Route], *, slots: int) -> None:
        self._routes = {route.operation.name: route for route in routes}
        self._slots = slots
        self._queues = {route.operation.queue for route in self._routes.values()}
        self._running: set[asyncio.Task[object]] = set()
        self._consumers: list[tuple[AbstractQueue, str]] = []
        self._watchdog = Watchdog()
        self._pulse = Pulse()
        self._draining = False
        self.replies = Replies()
        self._runner = Runner(self._routes, self._running, self.replies.room)

    @asynccontextmanager
    async def consuming(self, session: Session) -> AsyncIterator[None]:
        """Open the consumers of every queue, each on a channel of its own; none any more while it drains."""
        self._consumers.clear()
        queues = [] if self._draining else sorted(self._queues)
        async with open_channel(session, confirms=False) as channel, self._pulse.beating():
            await declare_commands(channel, queues)
            deliveries = [await self._consume(session, name) for name in queues]
            watch = asyncio.create_task(self._watchdog.watch(session, channel, deliveries))
            try:
                yield
            finally:
                watch.cancel()

    async def drain(self) -> None:
        """Take no more, finish what was delivered and write its replies."""
        self._draining = True
        await self._cancel()
        # What came before the broker's word is on its way through the client library, and not running yet.
        await asyncio.sleep(_HANDED_OVER_SECONDS)
        while self._running:
            await asyncio.wait(self._running)
        await self.replies.flush()

    async def _cancel(self) -> None:
        for queue, tag in self._consumers:
            try:
                async with broker_await():
                    await queue.cancel(tag)
            except LinkLost as lost:
                logger.warning("consumer not cancelled", extra={"reason": str(lost)})

    async def _consume(self, session: Session, name: str) -> Deliveries:
        deliveries = Deliveries(name, prefetch=_PREFETCH_PER_SLOT * self._slots)
        async with open_channel(session, confirms=False) as channel, broker_await():
            await channel.set_qos(prefetch_count=deliveries.prefetch)
            queue = await channel.get_queue(name)
            receive = partial(self._receive, asyncio.Semaphore(self._slots), deliveries)
            self._consumers.append((queue, await queue.consume(receive)))
        return deliveries

    async def _receive(
        self, slots: asyncio.Semaphore, deliveries: Deliveries, message: AbstractIncomingMessage
    ) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        received = self._pulse.received()
        deliveries.delivered += 1
        deliveries.unacknowledged += 1
        await failpoints.reached("server.received")
        async with slots:
            try:
                await self._answer(message, received)
            except Exception:
                # Unacknowledged it would use up the prefetch; who waits learns 99 from the spent budget.
                logger.exception("envelope failed")
        try:
            async with broker_await():
                await message.ack()
        except LinkLost as lost:
            logger.warning("envelope not acknowledged", extra={"reason": str(lost)})
        finally:
            # Also where the broker does not know it: the watchdog then sees a consumer that gets nothing.
            deliveries.unacknowledged -= 1

    async def _answer(self, message: AbstractIncomingMessage, received: float) -> None:
        answer = partial(self.replies.add, message.reply_to or "")
        try:
            commands = unpack_commands(message.body)
        except EnvelopeError:
            logger.exception("envelope not readable")
            return
        if message.redelivered and self._holds_write(commands):
            for command in commands:
                answer(Reply(command.id, Fault.UNAVAILABLE, b""))
            return
        await self._runner.run(commands, received, answer)
        await failpoints.reached("server.replied")

    def _holds_write(self, commands: Sequence[Command]) -> bool:
        routes = [self._routes.get(command.operation) for command in commands]
        return any(route is None or route.operation.writes for route in routes)
