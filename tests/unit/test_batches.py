"""Batches: what gathers while one runs goes together."""

import asyncio
from collections.abc import Sequence

import pytest

from services.delivery.batches import Batches
from shared.contract.faults import Away


async def test_what_gathers_meanwhile_goes_together_and_in_order() -> None:
    done: list[list[int]] = []

    async def work(items: Sequence[int]) -> None:
        done.append(list(items))
        await asyncio.sleep(0.01)

    batches = Batches(work)
    await asyncio.gather(*(batches.do(number) for number in range(450)))
    # The first run begins when all of them are there.
    assert [len(each) for each in done] == [200, 200, 50]
    assert [number for each in done for number in each] == list(range(450))
    await batches.do(7)
    assert done[-1] == [7]


async def test_one_that_fails_takes_nobody_with_it() -> None:
    done: list[int] = []

    async def work(items: Sequence[int]) -> None:
        if 1 in items:
            raise LookupError
        done.extend(items)

    batches = Batches(work)
    outcomes = await asyncio.gather(*map(batches.do, (0, 1, 2)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), LookupError, type(None)]
    assert done == [0, 2]
    with pytest.raises(LookupError):
        await batches.do(1)


async def test_what_is_away_is_asked_once_and_all_are_told() -> None:
    asked: list[int] = []

    async def work(items: Sequence[int]) -> None:
        asked.append(len(items))
        raise Away("gone")

    outcomes = await asyncio.gather(*map(Batches(work).do, (1, 2)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [Away, Away]
    assert asked == [2]


async def test_a_caller_that_gave_up_takes_nobody_with_it() -> None:
    going = asyncio.Event()

    async def work(_: Sequence[int]) -> None:
        await going.wait()

    batches = Batches(work)
    given_up, waiting = asyncio.ensure_future(batches.do(1)), asyncio.ensure_future(batches.do(2))
    await asyncio.sleep(0)
    given_up.cancel()
    going.set()
    await waiting
    assert given_up.cancelled()


async def test_after_a_rest_what_gathered_goes_together_and_one_alone_does_not_wait() -> None:
    done: list[list[int]] = []

    async def work(items: Sequence[int]) -> None:
        done.append(list(items))

    batches = Batches(work, rest_seconds=0.3)
    await asyncio.wait_for(batches.do(0), 0.1)
    # One after the other, as answers of a carrier come.
    waiting = []
    for number in range(1, 4):
        waiting.append(asyncio.ensure_future(batches.do(number)))
        await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    assert done == [[0], [1, 2, 3]]
