"""Upkeep goes on, whatever becomes of its work."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import pytest

from shared.mailbox.upkeep import Upkeep
from shared.postgres.errors import DatabaseAway, DatabaseTimeout

LONG = 3600.0


class Work:
    """Does what it is told, one after the other, then nothing for long; counts its runs."""

    def __init__(self, outcomes: Sequence[float | Exception]) -> None:
        self._outcomes = list(outcomes)
        self.runs = 0

    async def __call__(self) -> float:
        self.runs += 1
        outcome = self._outcomes.pop(0) if self._outcomes else LONG
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - somebody else's work, looked at from outside
            await asyncio.sleep(0.001)


async def test_it_comes_again_when_it_is_due_or_woken() -> None:
    work = Work([0.0, 0.001])
    upkeep = Upkeep("test", work)
    async with upkeep.running():
        await _until(lambda: work.runs == 3)
        await asyncio.sleep(0.01)
        assert work.runs == 3
        upkeep.wake()
        await _until(lambda: work.runs == 4)


async def test_a_wake_during_the_work_is_not_lost() -> None:
    runs: list[int] = []

    async def work() -> float:
        if not runs:
            upkeep.wake()
        runs.append(len(runs))
        return LONG

    upkeep = Upkeep("test", work)
    async with upkeep.running():
        await _until(lambda: len(runs) == 2)


@pytest.mark.parametrize("error", [DatabaseAway("away"), ZeroDivisionError()])
async def test_failures_in_a_row_are_told_once_and_waited_for(
    caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    work = Work([error, error, error, 0.0, error])
    with caplog.at_level(logging.INFO):
        async with Upkeep("test", work, retry_seconds=0.001).running():
            await _until(lambda: work.runs == 6)
            await asyncio.sleep(0.005)
    levels = [record.levelname for record in caplog.records if record.name == "shared.mailbox.upkeep"]
    assert levels == ["WARNING", "INFO", "WARNING", "INFO"]


async def test_a_lasting_failure_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    away = DatabaseAway("away")
    work = Work([away, away, DatabaseTimeout("late"), ZeroDivisionError(), ZeroDivisionError(), KeyError()])
    async with Upkeep("test", work, retry_seconds=0.001).running():
        await _until(lambda: work.runs == 7)
    reasons = [record.__dict__["reason"] for record in caplog.records if record.name == "shared.mailbox.upkeep"]
    assert reasons == ["away", "late", "ZeroDivisionError", "KeyError"]


async def test_a_failure_makes_no_busy_loop() -> None:
    work = Work([DatabaseAway("away")] * 100)
    async with Upkeep("test", work).running():
        await asyncio.sleep(0.05)
    assert work.runs == 1


async def test_it_ends_with_its_block_wherever_it_stands() -> None:
    ends: list[str] = []

    async def work() -> float:
        try:
            await asyncio.sleep(LONG)
        finally:
            ends.append("ended")
        return LONG

    async with Upkeep("test", work).running():
        await asyncio.sleep(0.01)
        assert ends == []
    assert ends == ["ended"]


async def test_between_two_rounds_it_rests_however_often_it_is_woken() -> None:
    work = Work([])
    upkeep = Upkeep("test", work, rest_seconds=0.2)
    async with upkeep.running():
        await _until(lambda: work.runs == 1)
        for _ in range(20):
            upkeep.wake()
            await asyncio.sleep(0.001)
        assert work.runs == 1
        await _until(lambda: work.runs == 2)
