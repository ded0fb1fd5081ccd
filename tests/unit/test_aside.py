"""Long computations leave the loop free, and do not compete with each other."""

import asyncio
import time
from functools import partial

import pytest

from services.gateway.aside import Aside


async def test_one_computes_at_a_time_in_the_order_of_coming_while_the_loop_goes_on() -> None:
    aside = Aside()
    computing, most, began = 0, 0, list[int]()

    def compute(number: int) -> int:
        nonlocal computing, most
        computing += 1
        most = max(most, computing)
        began.append(number)
        time.sleep(0.01)
        computing -= 1
        return number

    work = [asyncio.create_task(aside.run(partial(compute, number))) for number in range(8)]
    turns = 0
    while not all(each.done() for each in work):
        turns += 1
        await asyncio.sleep(0.001)
    assert [each.result() for each in work] == began == list(range(8))
    assert most == 1
    assert turns > 8


async def test_what_fails_makes_room_for_the_next() -> None:
    aside = Aside()
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)
    assert await aside.run(lambda: 1) == 1


async def test_of_each_owner_one_is_in_the_line() -> None:
    aside = Aside()
    began: list[str] = []

    def compute(owner: str) -> None:
        began.append(owner)
        time.sleep(0.01)

    await asyncio.gather(*(aside.run(partial(compute, owner), owner) for owner in ("a", "a", "a", "b", "c", "b")))
    assert began == ["a", "b", "c", "a", "b", "a"]


async def test_one_whose_turn_does_not_come_in_time_is_not_run() -> None:
    aside = Aside()
    ran: list[int] = []
    first = asyncio.create_task(aside.run(lambda: time.sleep(0.2)))
    await asyncio.sleep(0.02)
    for owner in ("", "other"):
        with pytest.raises(TimeoutError):
            await aside.run(lambda: ran.append(1), owner, asyncio.get_running_loop().time() + 0.02)
    await first
    await aside.run(lambda: ran.append(2))
    assert ran == [2]
