"""The caller gives up its calls without letting those behind them go."""

import asyncio
from typing import Any, cast

from aio_pika.abc import AbstractExchange

from shared.bus.caller import Caller
from shared.bus.envelope import Reply
from shared.contract import messages
from shared.contract.faults import Fault, Refused
from shared.contract.operation import NOBODY


class Exchange:
    """Takes every envelope and counts them; nobody answers."""

    def __init__(self) -> None:
        self.published = 0

    async def publish(self, *_: Any) -> None:
        self.published += 1


async def test_a_lost_link_publishes_nothing_more() -> None:
    caller = Caller([messages.QUEUE], waiting_per_queue=2000, waiting_total=2000)
    exchange = Exchange()
    caller._exchange, caller._reply_to = cast("AbstractExchange", exchange), "replies"  # noqa: SLF001
    caller.lanes[messages.QUEUE].consumers = 1
    calls = [asyncio.create_task(caller.call(messages.DELETE, {"messageId": 1}, NOBODY, "t")) for _ in range(1000)]
    await asyncio.sleep(0.05)
    before = exchange.published
    assert before == 4
    caller._reply_to = None  # noqa: SLF001
    caller._lose_all()  # noqa: SLF001
    await asyncio.sleep(0.05)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert exchange.published == before
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
