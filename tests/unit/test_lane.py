"""A lane sends what comes in one turn of the loop together, and what gathered while its window was shut."""

import asyncio
import time
from typing import Any

from shared.bus.lane import ENVELOPE_COMMANDS, Batch, Call, Lane
from shared.contract.messages import DELETE
from shared.contract.operation import NOBODY


def new_call(number: int, request: dict[str, Any] | None = None, run_by: float = 4.0) -> Call:
    """Return a call whose command may begin in so many seconds at the latest."""
    now = time.monotonic()
    answer = asyncio.get_running_loop().create_future()
    return Call(number, DELETE, NOBODY, "t", request or {}, now + 5, now + run_by, answer)


class Sent:
    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.lane = Lane("q", lambda _, batch: self.batches.append(batch))

    async def add(self, count: int) -> list[Call]:
        calls = [new_call(n) for n in range(count)]
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


async def test_a_call_that_is_almost_over_is_not_sent() -> None:
    sent = Sent()
    late, timely = new_call(0, run_by=0.05), new_call(1)
    sent.lane.add(late)
    sent.lane.add(timely)
    await asyncio.sleep(0)
    assert [batch.calls for batch in sent.batches] == [[timely]]
