"""Answers under keys end after 7 days, and the days' tables are emptied before they are used again."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.servers import Servers
from shared.mailbox.sweep import Sweep
from shared.postgres.errors import LockTimeout
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import Rig, accounts, mailbox_rig

_KEEP = """
insert into done (account_id, operation, key, request_hash, answer, at, slot)
select $1, 'test', slot::text, 'hash', 1, now(), slot from generate_series(0, 9) as slot
"""
_KEPT = "select done_slot(0) as today, array_agg(slot order by slot) as slots from done where account_id = $1"
_RECALL = "select done_recall($1, 'test', '3', 'hash') as answer"


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """Yield a database of its own: elsewhere others sweep too."""
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        yield rig


async def test_the_days_to_come_are_emptied_and_no_others(rig: Rig) -> None:
    account = next(accounts)
    await rig.rows(_KEEP, account)
    for _ in range(2):
        assert await Sweep(rig.database).round() == 3600
        (row,) = await rig.rows(_KEPT, account)
        coming = {(row["today"] + 1) % 10, (row["today"] + 2) % 10}
        assert row["slots"] == [slot for slot in range(10) if slot not in coming]


async def test_an_answer_counts_for_seven_days(rig: Rig) -> None:
    account = next(accounts)
    await rig.rows(_KEEP, account)
    for age, answer in (("6 days 23 hours", 1), ("7 days", None)):
        await rig.rows("update done set at = now() - $2::text::interval where account_id = $1", account, age)
        assert await rig.rows(_RECALL, account) == [{"answer": answer}]


async def test_a_table_in_use_is_not_waited_for_long(rig: Rig) -> None:
    await rig.rows(_KEEP, next(accounts))
    reader = await asyncpg.connect(rig.url)
    try:
        async with reader.transaction():
            await reader.fetch("select from done")
            began = time.monotonic()
            with pytest.raises(LockTimeout):
                await Sweep(rig.database).round()
            assert time.monotonic() - began < 5
    finally:
        await reader.close()
    await Sweep(rig.database).round()


async def test_two_sweeps_at_once_are_as_good_as_one(rig: Rig) -> None:
    await rig.rows(_KEEP, next(accounts))
    assert await asyncio.gather(*(Sweep(rig.database).round() for _ in range(3))) == [3600] * 3
