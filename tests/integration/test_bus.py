"""The bus on a real broker: coalescing, isolation, overload, nobody there, at most once."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import aio_pika
import pytest

from deploy.local.servers import Servers
from shared.bus.envelope import Command, pack_commands, unpack_replies
from shared.bus.routes import Context, Outcome, route, route_group
from shared.contract import search, sms
from shared.contract.faults import Fault, Refused
from shared.contract.messages import UserMessageDeleteRequest, UserMessageInsertResponse
from tests.apart import virtual_host
from tests.integration.bus_rig import ECHO, GROUP, SOMEBODY, calling, eventually, serving

Pairs = Sequence[tuple[UserMessageDeleteRequest, Context]]
Outcomes = Sequence[Outcome[UserMessageInsertResponse]]


@pytest.fixture(scope="module")
async def broker(servers: Servers) -> AsyncIterator[str]:
    """Yield a broker in which no role consumes."""
    async with virtual_host(servers) as url:
        yield url


async def echo(request: UserMessageDeleteRequest, _: Context) -> UserMessageInsertResponse:
    return UserMessageInsertResponse(request.message_id)


class Grouped:
    """A group handler that remembers its groups, and fails or waits for certain numbers."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()

    async def run(self, pairs: Pairs) -> Outcomes:
        numbers = [request.message_id for request, _ in pairs]
        self.groups.append(numbers)
        if 13 in numbers:
            raise ZeroDivisionError
        return [self._late(number) if number == 77 else UserMessageInsertResponse(number) for number in numbers]

    async def _late(self, number: int) -> UserMessageInsertResponse:
        await self.gate.wait()
        return UserMessageInsertResponse(number)


async def test_a_call_is_answered(broker: str) -> None:
    async with serving(broker, [route(ECHO, echo)]), calling(broker) as rig:
        assert await rig.call(ECHO, 5) == 5


async def slow_echo(request: UserMessageDeleteRequest, _: Context) -> UserMessageInsertResponse:
    await asyncio.sleep(0.3)
    return UserMessageInsertResponse(request.message_id)


async def test_a_server_that_leaves_finishes_what_it_has_taken(broker: str) -> None:
    # What it left to another one would be answered 99, for it may have run.
    slow = [route(replace(ECHO, name="rig.slow", writes=True), slow_echo)]
    async with serving(broker, slow), calling(broker) as rig:
        async with serving(broker, slow):
            await rig.consumed(ECHO.queue, 2)
            calls = []
            for number in range(12):
                calls.append(asyncio.create_task(rig.call(slow[0].operation, number)))
                # Each in an envelope of its own, so that both servers have some.
                await asyncio.sleep(0.02)
        assert await asyncio.gather(*calls, return_exceptions=True) == [*range(12)]


async def test_what_gathers_travels_together(broker: str) -> None:
    grouped = Grouped()
    async with serving(broker, [route_group(GROUP, grouped.run)]), calling(broker) as rig:
        numbers = list(range(100, 400))
        assert await asyncio.gather(*(rig.call(GROUP, number) for number in numbers)) == numbers
    assert sorted(itertools.chain.from_iterable(grouped.groups)) == numbers
    assert len(grouped.groups) < 60
    assert max(map(len, grouped.groups)) <= GROUP.group


async def test_one_bad_command_among_good_ones_fails_alone(broker: str) -> None:
    grouped = Grouped()
    async with serving(broker, [route_group(GROUP, grouped.run)]), calling(broker) as rig:
        numbers = [*range(1000, 1063), 13]
        answers = await asyncio.gather(*(rig.call(GROUP, number) for number in numbers), return_exceptions=True)
    assert answers[:-1] == numbers[:-1]
    assert isinstance(answers[-1], Refused)
    assert answers[-1].fault is Fault.UNAVAILABLE


async def test_a_command_that_waits_holds_up_nobody(broker: str) -> None:
    grouped = Grouped()
    async with serving(broker, [route_group(GROUP, grouped.run)]), calling(broker) as rig:
        late = [asyncio.create_task(rig.call(GROUP, 77)) for _ in range(20)]
        await eventually(lambda: sum(group.count(77) for group in grouped.groups) == 20)
        assert await rig.call(GROUP, 78) == 78
        grouped.gate.set()
        assert await asyncio.gather(*late) == [77] * 20


async def test_nobody_there_is_answered_at_once(broker: str) -> None:
    async with calling(broker) as rig:
        async with serving(broker, [route(ECHO, echo)]):
            await rig.consumed(search.QUEUE, 1)
        await rig.consumed(search.QUEUE, 0)
        began = time.monotonic()
        with pytest.raises(Refused) as refused:
            await rig.call(ECHO, 1)
    assert refused.value.fault is Fault.UNAVAILABLE
    assert time.monotonic() - began < 0.5


async def test_too_many_waiting_calls_are_refused(broker: str) -> None:
    grouped = Grouped()
    async with (
        serving(broker, [route_group(GROUP, grouped.run)]),
        calling(broker, per_queue=3) as rig,
    ):
        late = [asyncio.create_task(rig.call(GROUP, 77)) for _ in range(3)]
        await eventually(lambda: rig.caller.lanes[sms.QUEUE].pending == 3)
        with pytest.raises(Refused) as refused:
            await rig.call(GROUP, 1)
        grouped.gate.set()
        await asyncio.gather(*late)
    assert refused.value.fault is Fault.TOO_MANY_REQUESTS


async def test_a_spent_budget_is_answered(broker: str) -> None:
    grouped = Grouped()
    async with serving(broker, [route_group(GROUP, grouped.run)]), calling(broker) as rig:
        with pytest.raises(Refused) as refused:
            await rig.call(GROUP, 77)
        assert rig.caller.lanes[sms.QUEUE].pending == 0
        grouped.gate.set()
    assert refused.value.fault is Fault.UNAVAILABLE


async def test_a_write_delivered_again_is_not_run(broker: str) -> None:
    grouped = Grouped()
    connection = await aio_pika.connect(broker)
    async with connection, connection.channel() as channel:
        replies = await channel.declare_queue(exclusive=True)
        async with serving(broker, [route_group(GROUP, grouped.run), route(ECHO, echo)]):
            pass
        body = pack_commands([Command(9, GROUP.name, 2000, SOMEBODY, "trace", {"messageId": 1})])
        await channel.default_exchange.publish(aio_pika.Message(body, reply_to=replies.name), sms.QUEUE)
        queue = await channel.get_queue(sms.QUEUE)
        first = await queue.get(timeout=5)
        await first.reject(requeue=True)
        async with serving(broker, [route_group(GROUP, grouped.run)]):
            message = await _first(replies)
    assert [(reply.id, reply.code) for reply in unpack_replies(message)] == [(9, Fault.UNAVAILABLE)]
    assert grouped.groups == []


async def test_an_operation_that_the_worker_does_not_know_is_unavailable(broker: str) -> None:
    async with serving(broker, [route(ECHO, echo)]), calling(broker) as rig:
        with pytest.raises(Refused) as refused:
            await rig.caller.call(search.SEARCH, {"query": "x"}, SOMEBODY, "trace")
    assert refused.value.fault is Fault.UNAVAILABLE


async def _first(queue: aio_pika.abc.AbstractQueue) -> bytes:
    for _ in range(100):
        message = await queue.get(fail=False, no_ack=True)
        if message is not None:
            return message.body
        await asyncio.sleep(0.05)
    raise AssertionError("no reply came")


async def test_under_overload_as_much_is_answered_as_without(broker: str) -> None:
    slower, turn = replace(GROUP, budget=3.0), asyncio.Lock()
    seconds, offered, capacity = 8.0, 300, 100

    async def slow(pairs: Pairs) -> Outcomes:
        async with turn:
            await asyncio.sleep(len(pairs) / capacity)
        return [UserMessageInsertResponse(request.message_id) for request, _ in pairs]

    async with serving(broker, [route_group(slower, slow)]), calling(broker) as rig:
        await rig.consumed(sms.QUEUE, 1)
        began = time.monotonic()
        codes: list[tuple[float, int]] = []

        async def one(number: int) -> None:
            try:
                await rig.call(slower, number)
                codes.append((time.monotonic() - began, 0))
            except Refused as refused:
                codes.append((time.monotonic() - began, int(refused.fault)))

        calls = []
        for number in range(1, round(seconds * offered)):
            await asyncio.sleep(max(0.0, began + number / offered - time.monotonic()))
            calls.append(asyncio.create_task(one(number)))
        await asyncio.gather(*calls)
    settled = [code for at, code in codes if seconds / 2 < at < seconds]
    # Without shedding none was answered in time from the second budget on.
    assert settled.count(0) > capacity * seconds / 2 / 5
    assert settled.count(98) > settled.count(99)


async def test_large_answers_that_wait_come_two_at_a_time(broker: str) -> None:
    running, most = 0, 0

    async def large(number: int) -> UserMessageInsertResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return UserMessageInsertResponse(number)

    async def pages(pairs: Pairs) -> Outcomes:
        return [large(request.message_id) for request, _ in pairs]

    async with serving(broker, [route_group(replace(ECHO, group=16), pages)]), calling(broker) as rig:
        numbers = list(range(1, 11))
        assert await asyncio.gather(*(rig.call(ECHO, number) for number in numbers)) == numbers
    assert most == 2
