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
