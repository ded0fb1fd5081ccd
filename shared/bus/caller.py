"""The caller: remote procedure calls over the broker, one future each, many commands to an envelope."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from shared import failpoints
from shared.bus.consumers import count_consumers
from shared.bus.envelope import PARKED, Command, EnvelopeError, Reply, pack_commands, unpack_replies
from shared.bus.lane import Answer, Batch, Call, Lane
from shared.bus.link import LinkLost, Session, broker_await, open_channel
from shared.bus.topology import declare_commands, declare_private
from shared.contract.faults import Fault, Refused, fault_numbered
from shared.contract.operation import AnyOperation, Identity

logger = logging.getLogger(__name__)

_LOST: Answer = (Fault.UNAVAILABLE, b"")
_SHED: Answer = (Fault.TOO_MANY_REQUESTS, b"")
# Half a second of five is kept back: for so long a worker may stand still and not notice.
_KEPT_BACK = 0.1
# An event loop that stood still may find a call over that was not when it was chosen.
_LEAST_SECONDS = 0.002


class Caller:
    """Calls operations of other processes.

    `budget` is how many seconds a call may take where its operation does not say it. Give `publishing` and
    `replying` to two links: a blocked publisher must not hold up the replies.
    """

    def __init__(
        self, queues: Iterable[str], *, waiting_per_queue: int, waiting_total: int, budget: float = 5.0
    ) -> None:
        self.lanes = {queue: Lane(queue, self._send, self._shed) for queue in queues}
        self._waiting_per_queue = waiting_per_queue
        self._waiting_total = waiting_total
        self._budget = budget
        self._calls: dict[int, Call] = {}
        self._ids = itertools.count(1)
        self._exchange: AbstractExchange | None = None
        self._reply_to: str | None = None
        self._publishing: set[asyncio.Task[None]] = set()

    async def call(
        self,
        operation: AnyOperation,
        request: dict[str, Any],
        identity: Identity,
        trace: str,
        *,
        key: str | None = None,
        deadline: float | None = None,
    ) -> bytes:
        """Run the operation elsewhere and return the wire JSON of its reply; `key` is an `Idempotency-Key`.

        `deadline`, on the monotonic clock, is when the call is over; without it the operation's budget begins now.

        Raises `Refused`: 98 when too many calls wait, or this one waited for too long, and nothing was done; 99 when
        nobody takes the command, the connection is lost or the budget is spent, so that the outcome of a write is
        unknown; else its own fault.
        """
        lane = self.lanes[operation.queue]
        if lane.pending >= self._waiting_per_queue or len(self._calls) >= self._waiting_total:
            lane.measures.failed("full")
            raise Refused(Fault.TOO_MANY_REQUESTS)
        if self._exchange is None or self._reply_to is None or lane.consumers == 0:
            lane.measures.failed("nobody")
            raise Refused(Fault.UNAVAILABLE)
        if deadline is None:
            deadline = self.deadline(operation)
        run_by = deadline - _KEPT_BACK * (operation.budget or self._budget)
        send_by = (time.monotonic() + run_by) / 2
        answer = asyncio.get_running_loop().create_future()
        call = Call(next(self._ids), operation, identity, trace, request, run_by, send_by, answer, key)
        code, body = await self._answered(lane, call, deadline)
        if code:
            raise Refused(fault_numbered(code))
        return body

    def deadline(self, operation: AnyOperation) -> float:
        """Return when a call of the operation that begins now is over, on the monotonic clock."""
        return time.monotonic() + (operation.budget or self._budget)

    async def _answered(self, lane: Lane, call: Call, deadline: float) -> Answer:
        self._calls[call.id] = call
        timer = asyncio.get_running_loop().call_at(deadline, self._give_up, call.id, "budget")
        lane.add(call)
        try:
            return await call.answer
        finally:
            timer.cancel()
            self._settle(call.id, _LOST)

    def _settle(self, call_id: int, answer: Answer) -> None:
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        if not call.answer.done():
            call.answer.set_result(answer)
        self.lanes[call.operation.queue].settled(call)

    def _on_reply(self, reply: Reply) -> None:
        call = self._calls.get(reply.id)
        if call is None:
            return
        if reply.code == PARKED:
            self.lanes[call.operation.queue].parked(call)
        elif reply.parts == 1:
            self._settle(call.id, (reply.code, reply.body))
        else:
            parts = call.parts.setdefault(reply.run, {})
            parts[reply.part] = reply.body
            if len(parts) == reply.parts:
                self._settle(call.id, (reply.code, b"".join(parts[part] for part in range(reply.parts))))

    def _give_up(self, call_id: int, reason: str) -> None:
        call = self._calls.get(call_id)
        if call is not None:
            self.lanes[call.operation.queue].measures.failed(reason)
            self._settle(call_id, _LOST)

    def _shed(self, call: Call) -> None:
        self.lanes[call.operation.queue].measures.failed("late")
        self._settle(call.id, _SHED)

    def _send(self, lane: Lane, batch: Batch) -> None:
        task = asyncio.create_task(self._publish(lane, batch))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, lane: Lane, batch: Batch) -> None:
        if not batch.calls:
            return  # each was given up before its envelope left
        try:
            if self._exchange is None or self._reply_to is None:
                raise LinkLost("not connected")  # noqa: TRY301 - the same end as a lost connection
            message = self._message(batch)
            lane.measures.octets(len(message.body))
            async with broker_await():
                await self._exchange.publish(message, lane.queue)
        except LinkLost as lost:
            logger.warning("envelope not taken", extra={"queue": lane.queue, "reason": str(lost)})
            for call in tuple(batch.calls):
                self._give_up(call.id, "broker")
        await failpoints.reached("caller.published")

    def _message(self, batch: Batch) -> aio_pika.Message:
        # The broker's wait and the worker's are on two clocks that nobody compares: together they end by then.
        now = time.monotonic()
        expiration = max(_LEAST_SECONDS, min(call.run_by for call in batch.calls) - now) / 2
        commands = [
            Command(
                call.id,
                call.operation.name,
                max(1, int((call.run_by - now - expiration) * 1000)),
                call.identity,
                call.trace,
                call.request,
                call.key,
            )
            for call in batch.calls
        ]
        return aio_pika.Message(pack_commands(commands), reply_to=self._reply_to, expiration=expiration)

    @asynccontextmanager
    async def publishing(self, session: Session) -> AsyncIterator[None]:
        """Open what publishes commands and counts who consumes them."""
        async with open_channel(session, confirms=True) as channel:
            await declare_commands(channel, self.lanes)
            async with count_consumers(session, self.lanes.values()):
                self._exchange = channel.default_exchange
                try:
                    yield
                finally:
                    self._exchange = None
                    self._lose_all()

    @asynccontextmanager
    async def replying(self, session: Session) -> AsyncIterator[None]:
        """Open what receives the replies: a queue of this connection alone."""
        async with open_channel(session, confirms=False) as channel:
            queue = await declare_private(channel)
            async with broker_await():
                await queue.consume(self._on_replies, no_ack=True)
            self._reply_to = queue.name
            try:
                yield
            finally:
                self._reply_to = None
                self._lose_all()

    async def _on_replies(self, message: AbstractIncomingMessage) -> None:
        try:
            for reply in unpack_replies(message.body):
                self._on_reply(reply)
        except EnvelopeError:
            logger.exception("replies not readable")

    def _lose_all(self) -> None:
        # What waits must not leave while the calls before it are given up.
        for lane in self.lanes.values():
            lane.waiting.clear()
        for call_id in list(self._calls):
            self._give_up(call_id, "broker")
