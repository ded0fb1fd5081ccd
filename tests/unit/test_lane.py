"""A lane sends what comes in one turn of the loop together, and what gathered while its window was shut."""

import asyncio
import time
from typing import Any

from shared.bus.lane import ENVELOPE_COMMANDS, Batch, Call, Lane
from shared.contract import sms
from shared.contract.messages import DELETE
from shared.contract.operation import NOBODY, AnyOperation


def new_call(
    number: int, request: dict[str, Any] | None = None, send_by: float = 2.0, operation: AnyOperation = DELETE
) -> Call:
    """Return a call that is worth sending for so many seconds."""
    now = time.monotonic()
    answer = asyncio.get_running_loop().create_future()
    return Call(number, operation, NOBODY, "t", request or {}, now + 4, now + send_by, answer)


class Sent:
    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.shed: list[Call] = []
        self.lane = Lane("q", lambda _, batch: self.batches.append(batch), self.shed.append)

    async def add(self, count: int, operation: AnyOperation = DELETE) -> list[Call]:
        calls = [new_call(n, operation=operation) for n in range(count)]
        for call in calls:
            self.lane.add(call)
        await asyncio.sleep(0)
        return calls

    def answer(self, batch: Batch) -> None:
        for call in tuple(batch.calls):
            call.answer.set_result((0, b""))
            self.lane.settled(call)


async def test_an_idle_lane_sends_in_the_next_turn() -> None:
    sent = Sent()
    await sent.add(1)
    assert [len(batch.calls) for batch in sent.batches] == [1]


async def test_a_burst_travels_together() -> None:
    sent = Sent()
    await sent.add(ENVELOPE_COMMANDS + 5)
    assert [len(batch.calls) for batch in sent.batches] == [ENVELOPE_COMMANDS, 5]


async def one_by_one(sent: Sent, count: int) -> list[Call]:
    return [call for _ in range(count) for call in await sent.add(1)]


async def test_a_full_window_gathers() -> None:
    sent = Sent()
    await one_by_one(sent, 4 + 2 * ENVELOPE_COMMANDS + 6)
    assert [len(batch.calls) for batch in sent.batches] == [1, 1, 1, 1]
    sent.answer(sent.batches[0])
    assert len(sent.batches[4].calls) == ENVELOPE_COMMANDS
    for batch in sent.batches[1:4]:
        sent.answer(batch)
    assert [len(batch.calls) for batch in sent.batches[5:]] == [ENVELOPE_COMMANDS, 6]


async def test_what_gathers_leaves_half_of_the_window_to_envelopes_that_are_half_full() -> None:
    sent, half = Sent(), ENVELOPE_COMMANDS // 2
    for count in (1, 1, 1, half - 2):
        await sent.add(count, sms.SEND)
    assert [len(batch.calls) for batch in sent.batches] == [1, 1]
    await sent.add(1, sms.SEND)
    await sent.add(half, sms.SEND)
    await sent.add(half + 5, sms.SEND)
    assert [len(batch.calls) for batch in sent.batches] == [1, 1, half, half]
    sent.answer(sent.batches[0])
    await sent.add(3, sms.SEND)
    for nth in (1, 2):
        sent.answer(sent.batches[nth])
    assert [len(batch.calls) for batch in sent.batches[4:]] == [half + 5]
    sent.answer(sent.batches[3])
    assert [len(batch.calls) for batch in sent.batches[5:]] == [3]


async def test_the_window_grows_with_the_consumers() -> None:
    sent = Sent()
    sent.lane.consumers = 3
    await one_by_one(sent, 10)
    assert len(sent.batches) == 6


async def test_a_parked_call_opens_the_window_and_stays_pending() -> None:
    sent = Sent()
    calls = await one_by_one(sent, 5)
    sent.lane.parked(calls[0])
    assert sent.batches[4].calls == [calls[4]]
    assert sent.lane.pending == 5
    sent.lane.settled(calls[0])
    assert sent.lane.pending == 4
    assert sent.lane.under_way == 4


async def test_an_answered_call_is_not_kept_with_those_of_its_envelope() -> None:
    sent = Sent()
    first, second = await sent.add(2)
    sent.lane.settled(first)
    assert (sent.batches[0].calls, sent.lane.under_way) == ([second], 1)
    sent.lane.settled(second)
    assert (sent.batches[0].calls, sent.lane.under_way) == ([], 0)


async def test_a_call_given_up_while_it_waits_is_not_sent() -> None:
    sent = Sent()
    calls = await one_by_one(sent, 6)
    calls[4].answer.cancel()
    sent.lane.settled(calls[4])
    sent.answer(sent.batches[0])
    assert sent.batches[4].calls == [calls[5]]
    for batch in sent.batches[1:]:
        sent.answer(batch)
    assert sent.lane.pending == 0
    assert sent.lane.under_way == 0


async def test_large_requests_do_not_share_an_envelope() -> None:
    sent = Sent()
    for number in range(6):
        sent.lane.add(new_call(number, {"message": "é" * 1_000_000}))
    await asyncio.sleep(0)
    assert [len(batch.calls) for batch in sent.batches] == [2, 2, 2]


async def test_a_call_that_has_waited_for_half_of_its_time_is_shed() -> None:
    sent = Sent()
    late, timely = new_call(0, send_by=-0.01), new_call(1)
    sent.lane.add(late)
    sent.lane.add(timely)
    await asyncio.sleep(0)
    assert [batch.calls for batch in sent.batches] == [[timely]]
    assert sent.shed == [late]


async def test_slow_envelopes_become_small_and_quick_ones_large_again() -> None:
    sent = Sent()
    await sent.add(1)
    sent.batches[-1].sent_at -= 2
    sent.answer(sent.batches[-1])
    await sent.add(ENVELOPE_COMMANDS)
    assert [len(batch.calls) for batch in sent.batches[1:]] == [ENVELOPE_COMMANDS // 2] * 2
    for batch in sent.batches[1:]:
        sent.answer(batch)
    await sent.add(ENVELOPE_COMMANDS)
    assert len(sent.batches[-1].calls) == ENVELOPE_COMMANDS
