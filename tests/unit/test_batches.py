"""Batches: what gathers while one runs goes together."""

import asyncio
from collections.abc import Sequence

import pytest

from services.delivery.batches import Batches


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


async def test_each_caller_gets_what_its_batch_raised_and_the_next_goes_on() -> None:
    async def work(items: Sequence[int]) -> None:
        if 1 in items:
            raise LookupError

    batches = Batches(work)
    assert [type(each) for each in await asyncio.gather(*map(batches.do, (1, 2)), return_exceptions=True)] == [
        LookupError
    ] * 2
    await batches.do(3)
    with pytest.raises(LookupError):
        await batches.do(1)


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
