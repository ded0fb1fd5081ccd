"""Tidying, with a store of the test's own."""

from typing import Any

import pytest

from services.delivery.carriers.carrier import Outcome, Unanswered
from services.delivery.conclusions import Sent
from services.delivery.jobs import Claimed, Lost
from services.delivery.tidying import Tidying
from shared.postgres.errors import DatabaseTimeout

_JOB = Claimed(
    account_id=1, message_id=1, claim=1, job_id=1, sender="", recipient="436990000001", body="", encoding=0,
    expires_at=10**15, due_at=0, attempts=0, resends=0, is_counted=False, tried=[],
)  # fmt: skip


class _World:
    """A store with one lost submission, carriers, and who concludes."""

    has_file = True

    def __init__(self) -> None:
        self.away = False
        self.concluded = 0

    async def stale(self, _: int) -> list[Lost]:
        if self.away:
            raise DatabaseTimeout("away")
        return [Lost(_JOB, "one", was_unknown=False)]

    def unanswered(self, _: str, __: str, ___: str) -> Unanswered:
        return Unanswered("fail")

    async def conclude(self, _: Sent, __: Outcome, *, is_answer: bool) -> None:
        assert not is_answer
        self.concluded += 1


async def test_when_the_database_is_back_workers_first_say_what_they_know() -> None:
    world: Any = _World()
    tidying = Tidying(world, world, world, lambda: None, history_ms=1)
    await tidying.recover()
    assert world.concluded == 1
    world.away = True
    for _ in range(2):
        with pytest.raises(DatabaseTimeout):
            await tidying.recover()
    world.away = False
    assert await tidying.recover() > 5
    assert world.concluded == 1
    await tidying.recover()
    assert world.concluded == 2
