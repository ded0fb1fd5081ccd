"""The caller gives up its calls without letting those behind them go."""

import asyncio
import time
from typing import Any, cast

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractExchange

from shared.bus.caller import Caller
from shared.bus.envelope import Reply, unpack_commands
from shared.bus.lane import Batch
from shared.contract import messages
from shared.contract.faults import Fault, Refused
from shared.contract.operation import NOBODY


class Exchange:
    """Takes every envelope and counts them; nobody answers."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def publish(self, message: Message, *_: Any) -> None:
        self.messages.append(message)


async def test_a_lost_link_publishes_nothing_more() -> None:
    caller = Caller([messages.QUEUE], waiting_per_queue=2000, waiting_total=2000)
    exchange = Exchange()
    caller._exchange, caller._reply_to = cast("AbstractExchange", exchange), "replies"  # noqa: SLF001
    caller.lanes[messages.QUEUE].consumers = 1
    calls = [asyncio.create_task(caller.call(messages.DELETE, {"messageId": 1}, NOBODY, "t")) for _ in range(1000)]
    await asyncio.sleep(0.05)
    before = len(exchange.messages)
    assert before == 4
    caller._reply_to = None  # noqa: SLF001
    caller._lose_all()  # noqa: SLF001
    await asyncio.sleep(0.05)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert len(exchange.messages) == before
    assert all(isinstance(each, Refused) and each.fault is Fault.UNAVAILABLE for each in outcomes)
    assert caller.lanes[messages.QUEUE].pending == 0


async def test_parts_of_two_runs_are_not_mixed() -> None:
    caller = Caller([messages.QUEUE], waiting_per_queue=10, waiting_total=10)
    caller._exchange, caller._reply_to = cast("AbstractExchange", Exchange()), "replies"  # noqa: SLF001
    caller.lanes[messages.QUEUE].consumers = 1
    call = asyncio.create_task(caller.call(messages.GET_BY_CONVERSATION, {"address": "a"}, NOBODY, "t"))
    await asyncio.sleep(0.05)
    for run, part, body in ((7, 0, b"a0"), (8, 0, b"b0"), (8, 1, b"b1"), (7, 1, b"a1")):
        caller._on_reply(Reply(1, 0, body, part, 2, run))  # noqa: SLF001
    assert await call == b"b0b1"


async def test_an_envelope_waits_and_runs_within_nine_tenths_of_the_budget_of_each_of_its_calls() -> None:
    caller = Caller([messages.QUEUE], waiting_per_queue=10, waiting_total=10, budget=4.0)
    caller.lanes[messages.QUEUE].consumers = 1
    exchange = Exchange()
    caller._exchange, caller._reply_to = cast("AbstractExchange", exchange), "replies"  # noqa: SLF001
    deadlines = (time.monotonic() + 2, time.monotonic() + 3)
    calls = [
        asyncio.create_task(caller.call(messages.DELETE, {}, NOBODY, "t", deadline=deadline)) for deadline in deadlines
    ]
    await asyncio.sleep(0.05)
    (message,) = exchange.messages
    assert isinstance(message.expiration, float)
    for command, deadline in zip(unpack_commands(message.body), deadlines, strict=True):
        assert message.expiration + command.budget_ms / 1000 <= deadline - 0.4 - time.monotonic() + 0.1
        assert command.budget_ms > 0
    assert message.expiration > 0.3
    for call in calls:
        call.cancel()


async def test_an_envelope_whose_calls_are_given_up_before_it_leaves_is_not_sent() -> None:
    caller = Caller([messages.QUEUE], waiting_per_queue=10, waiting_total=10)
    exchange = Exchange()
    caller._exchange, caller._reply_to = cast("AbstractExchange", exchange), "replies"  # noqa: SLF001
    await caller._publish(caller.lanes[messages.QUEUE], Batch([], 0.0))  # noqa: SLF001
    assert exchange.messages == []


async def test_a_call_that_is_over_when_its_envelope_is_packed_costs_no_link() -> None:
    caller = Caller([messages.QUEUE], waiting_per_queue=10, waiting_total=10)
    caller.lanes[messages.QUEUE].consumers = 1
    exchange = Exchange()
    caller._exchange, caller._reply_to = cast("AbstractExchange", exchange), "replies"  # noqa: SLF001
    call = asyncio.create_task(caller.call(messages.DELETE, {}, NOBODY, "t", deadline=time.monotonic() + 0.6))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - the loop stands still
    with pytest.raises(Refused):
        await call
    assert all(isinstance(message.expiration, float) and message.expiration > 0 for message in exchange.messages)
    assert all(unpack_commands(message.body)[0].budget_ms > 0 for message in exchange.messages)
    assert exchange.messages
