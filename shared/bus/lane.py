"""A lane: the calls that wait for one command queue, and the envelopes of it that are under way.

A call leaves in the next turn of the event loop while fewer envelopes are under way than the window allows; otherwise
what has gathered leaves together when one of them is answered. One turn is enough to gather a burst: clients whose
answers came in one envelope come back together (sent at once, more than half of the envelopes under full load held
one command). There is no timer, so an idle system adds no latency.

Commands that are better run with others gather for longer: for them the second half of the window is for envelopes that
are at least half full. 64 clients went in four envelopes of 16; in two of 32 each command costs less. Others, behind
which a slow read may be under way, do not wait for it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.contract.operation import AnyOperation, Identity
from shared.metrics.calls import QueueCalls

ENVELOPE_COMMANDS = 64
# A broker may refuse messages from 16 MiB on, and closes the channel over one.
ENVELOPE_OCTETS = 4 * 1_048_576
_CHARACTER_OCTETS = 4
_NUMBER_OCTETS = 20
# Slow commands such as logins: of 64 at a time the last would be answered when their clients are gone.
_SLOW_SECONDS, _QUICK_SECONDS = 1.0, 0.25
_WINDOW_LEAST = 4
_WINDOW_PER_CONSUMER = 2

Answer = tuple[int, bytes]


@dataclass(slots=True, eq=False)
class Batch:
    """The calls of one envelope that it is under way for: neither answered nor parked nor given up."""

    calls: "list[Call]"
    sent_at: float


@dataclass(slots=True, eq=False)
class Call:
    """One call that somebody waits for: it must not be run after `run_by` and is worth sending until `send_by`.

    Both are on this process's monotonic clock.
    """

    id: int
    operation: AnyOperation
    identity: Identity
    trace: str
    request: dict[str, Any]
    run_by: float
    send_by: float
    answer: "asyncio.Future[Answer]"
    key: str | None = None
    began: float = field(default_factory=time.monotonic)
    batch: Batch | None = None
    parts: dict[int, dict[int, bytes]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Lane:
    """The state of one command queue on the caller's side.

    `pending` counts calls, waiting and under way; `commands` is how many an envelope may hold at the moment.
    """

    queue: str
    send: "Callable[[Lane, Batch], None]"
    shed: Callable[[Call], None]
    waiting: deque[Call] = field(default_factory=deque)
    pending: int = 0
    under_way: int = 0
    consumers: int = 0
    woken: bool = False
    commands: int = ENVELOPE_COMMANDS
    measures: QueueCalls = field(init=False)

    def __post_init__(self) -> None:
        self.measures = QueueCalls(self.queue, lambda: len(self.waiting), lambda: self.pending - len(self.waiting))

    def add(self, call: Call) -> None:
        """Take a call, and send it in the next turn of the event loop if the window allows."""
        self.pending += 1
        self.waiting.append(call)
        if not self.woken:
            self.woken = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self.woken = False
        self.pump()

    def settled(self, call: Call) -> None:
        """Note that nobody waits for the call any more."""
        self.pending -= 1
        self.parked(call)

    def parked(self, call: Call) -> None:
        """Note that the call's envelope goes on without it: a locked mailbox must not keep the window shut."""
        batch, call.batch = call.batch, None
        if batch is None:
            return
        # An answer must not stay in memory until the last one of its envelope is there.
        batch.calls.remove(call)
        if not batch.calls:
            self.under_way -= 1
            self._adapt(time.monotonic() - batch.sent_at)
            self.pump()

    def _adapt(self, seconds: float) -> None:
        """Send less at a time while envelopes take long: what waits in a worker cannot be shed any more."""
        if seconds > _SLOW_SECONDS:
            self.commands = max(1, self.commands // 2)
        elif seconds < _QUICK_SECONDS:
            self.commands = min(ENVELOPE_COMMANDS, 2 * self.commands)

    def pump(self) -> None:
        """Send envelopes while there are calls to send and the window is open."""
        while self.waiting and self.under_way < self._window() and (batch := self._next_batch()):
            self.under_way += 1
            self.send(self, batch)

    def _window(self) -> int:
        """Return how many envelopes may be under way, so that what waits may leave as another one."""
        whole = max(_WINDOW_LEAST, _WINDOW_PER_CONSUMER * self.consumers)
        gathers = self.waiting[0].operation.gathers and len(self.waiting) < self.commands // 2
        return whole // 2 if gathers else whole

    def _next_batch(self) -> Batch | None:
        calls: list[Call] = []
        octets = 0
        now = time.monotonic()
        while self.waiting and len(calls) < self.commands and octets < ENVELOPE_OCTETS:
            call = self.waiting.popleft()
            if call.send_by < now:
                # Under overload the oldest would be run for clients that are gone before they are answered.
                self.shed(call)
            elif not call.answer.done():
                calls.append(call)
                octets += most_octets(call.request)
        if not calls:
            return None
        batch = Batch(calls, now)
        for call in calls:
            call.batch = batch
            self.measures.waited(now - call.began)
        self.measures.calls(len(calls))
        return batch


def most_octets(request: Mapping[str, Any]) -> int:
    """Return about how many octets a request takes in an envelope, rather too many than too few."""
    return sum(_value_octets(value) for value in request.values())


def _value_octets(value: Any) -> int:
    if type(value) is str:
        return _CHARACTER_OCTETS * len(value)
    return len(orjson.dumps(value)) if type(value) is list else _NUMBER_OCTETS
