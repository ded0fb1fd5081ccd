"""Turns at waiting for a mailbox."""

import asyncio
import time

import pytest

from shared.mailbox.patience import Patience


def _soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


async def test_turns_of_one_account_come_one_after_the_other_in_order() -> None:
    patience = Patience()
    events: list[tuple[str, int]] = []

    async def wait(number: int) -> None:
        async with patience.turn(1, _soon()):
            events.append(("in", number))
            await asyncio.sleep(0)
            events.append(("out", number))

    await asyncio.gather(*map(wait, range(3)))
    assert events == [(what, number) for number in range(3) for what in ("in", "out")]
    assert not patience.waits(1)


async def test_accounts_do_not_wait_for_each_other() -> None:
    patience = Patience()
    async with patience.turn(1, _soon()):
        assert patience.waits(1)
        assert not patience.waits(2)
        async with patience.turn(2, _soon()):
            assert patience.waits(2)


async def test_a_turn_that_does_not_come_in_time_leaves_the_line() -> None:
    patience = Patience()
    async with patience.turn(1, _soon()):
        with pytest.raises(TimeoutError):
            async with patience.turn(1, _soon(0.01)):
                pytest.fail("two at a time")
        with pytest.raises(TimeoutError):
            async with patience.turn(1, _soon(-1.0)):
                pytest.fail("after its deadline")
    async with patience.turn(1, _soon()):
        pass
    assert not patience.waits(1)
