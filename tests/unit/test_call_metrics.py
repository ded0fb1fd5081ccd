"""Calls are counted where they wait, by what became of them, and by the envelopes that they left in."""

import asyncio
from typing import Any, cast

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractExchange
from prometheus_client import REGISTRY

from shared.bus.caller import Caller
from shared.bus.envelope import Reply
from shared.bus.lane import ENVELOPE_COMMANDS
from shared.contract import messages
from shared.contract.faults import Refused
from shared.contract.operation import NOBODY

WINDOW = 4


class Exchange:
    """Takes every envelope; nobody answers."""

    async def publish(self, message: Message, *_: Any) -> None:
        del message


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"usermessage_{name}", {"queue": messages.QUEUE, **labels}) or 0.0


def new_caller(*, most: int = 2000, budget: float = 5.0) -> Caller:
    caller = Caller([messages.QUEUE], waiting_per_queue=most, waiting_total=2000, budget=budget)
    caller._exchange, caller._reply_to = cast("AbstractExchange", Exchange()), "replies"  # noqa: SLF001
    caller.lanes[messages.QUEUE].consumers = 1
    return caller


async def call(caller: Caller) -> bytes:
    return await caller.call(messages.DELETE, {"messageId": 1}, NOBODY, "t")


async def test_calls_behind_a_full_window_wait_and_the_others_are_in_flight() -> None:
    caller = new_caller()
    sent, octets = measured("envelope_calls_count"), measured("envelope_octets_sum")
    calls = [asyncio.create_task(call(caller)) for _ in range(WINDOW * ENVELOPE_COMMANDS + 10)]
    await asyncio.sleep(0.05)
    assert measured("calls_in_flight") == WINDOW * ENVELOPE_COMMANDS
    assert measured("calls_waiting") == 10
    assert measured("envelope_calls_count") - sent == WINDOW
    assert measured("envelope_octets_sum") - octets > WINDOW * ENVELOPE_COMMANDS * 10
    caller._lose_all()  # noqa: SLF001
    await asyncio.gather(*calls, return_exceptions=True)
    assert measured("calls_waiting") == measured("calls_in_flight") == 0


async def test_the_wait_of_a_call_ends_when_its_envelope_leaves() -> None:
    caller = new_caller()
    calls = [asyncio.create_task(call(caller)) for _ in range(WINDOW * ENVELOPE_COMMANDS + 1)]
    await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    before, waits = measured("call_wait_seconds_sum"), measured("call_wait_seconds_count")
    for number in range(1, ENVELOPE_COMMANDS + 1):
        caller._on_reply(Reply(number, 0, b"{}"))  # noqa: SLF001
    await asyncio.sleep(0.01)
    assert measured("call_wait_seconds_count") - waits == 1
    assert 0.15 < measured("call_wait_seconds_sum") - before < 2.0
    caller._lose_all()  # noqa: SLF001
    await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("reason", ["full", "nobody", "budget", "broker"])
async def test_a_call_that_comes_to_nothing_says_why(reason: str) -> None:
    caller = new_caller(most=0 if reason == "full" else 10, budget=0.05 if reason == "budget" else 5.0)
    if reason == "nobody":
        caller.lanes[messages.QUEUE].consumers = 0
    before = measured("calls_failed_total", reason=reason)
    if reason == "broker":
        asyncio.get_running_loop().call_later(0.05, caller._lose_all)  # noqa: SLF001
    with pytest.raises(Refused):
        await call(caller)
    assert measured("calls_failed_total", reason=reason) - before == 1


async def test_a_call_that_is_answered_is_no_failure() -> None:
    caller = new_caller()
    reasons = ("full", "nobody", "budget", "broker", "late")
    before = [measured("calls_failed_total", reason=reason) for reason in reasons]
    answered = asyncio.create_task(call(caller))
    await asyncio.sleep(0.02)
    caller._on_reply(Reply(1, 0, b"{}"))  # noqa: SLF001
    assert await answered == b"{}"
    assert [measured("calls_failed_total", reason=reason) for reason in reasons] == before
