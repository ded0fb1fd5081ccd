"""A lane sends at once while its window is open, and together what gathered while it was shut."""

import asyncio

from shared.bus.lane import ENVELOPE_COMMANDS, Batch, Call, Lane
from shared.contract.messages import DELETE
from shared.contract.operation import NOBODY


class Sent:
    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.lane = Lane("q", lambda _, batch: self.batches.append(batch))

    def add(self, count: int) -> list[Call]:
        loop = asyncio.get_running_loop()
        calls = [Call(n, DELETE, NOBODY, "t", {}, 0.0, loop.create_future()) for n in range(count)]
        for call in calls:
            self.lane.add(call)
        return calls

    def answer(self, batch: Batch) -> None:
        for call in batch.calls:
            call.answer.set_result((0, b""))
            self.lane.settled(call)


async def test_an_idle_lane_sends_at_once() -> None:
    sent = Sent()
    sent.add(1)
    assert [len(batch.calls) for batch in sent.batches] == [1]


async def test_a_full_window_gathers() -> None:
    sent = Sent()
    sent.add(4 + 2 * ENVELOPE_COMMANDS + 6)
    assert [len(batch.calls) for batch in sent.batches] == [1, 1, 1, 1]
    sent.answer(sent.batches[0])
    assert len(sent.batches[4].calls) == ENVELOPE_COMMANDS
    for batch in sent.batches[1:4]:
        sent.answer(batch)
    assert [len(batch.calls) for batch in sent.batches[5:]] == [ENVELOPE_COMMANDS, 6]


async def test_the_window_grows_with_the_consumers() -> None:
    sent = Sent()
    sent.lane.consumers = 3
    sent.add(10)
    assert len(sent.batches) == 6


async def test_a_parked_call_opens_the_window_and_stays_pending() -> None:
    sent = Sent()
    calls = sent.add(5)
    sent.lane.parked(calls[0])
    assert [call.id for call in sent.batches[4].calls] == [4]
    assert sent.lane.pending == 5
    sent.answer(sent.batches[0])
    assert sent.lane.pending == 4
    assert sent.lane.under_way == 4


async def test_a_call_given_up_while_it_waits_is_not_sent() -> None:
    sent = Sent()
    calls = sent.add(6)
    calls[4].answer.cancel()
    sent.lane.settled(calls[4])
    sent.answer(sent.batches[0])
    assert [call.id for call in sent.batches[4].calls] == [5]
    for batch in sent.batches[1:]:
        sent.answer(batch)
    assert sent.lane.pending == 0
    assert sent.lane.under_way == 0
