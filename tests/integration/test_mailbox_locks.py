"""Who waits for whom: locked mailboxes, the patient path, writers side by side."""

import asyncio
import itertools
import random
from inspect import isawaitable
from typing import Any

from deploy.local.servers import Servers
from shared.contract.faults import Fault
from shared.mailbox.writes import Flags, Reading, Removal
from shared.postgres.errors import DatabaseTimeout
from tests.integration.mailbox_rig import (
    FRIEND,
    SHOP,
    Rig,
    accounts,
    message,
    settled,
    shared_rig,
    within,
)

_WAITING = "select count(*)::int as n from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'"


async def _waiting(rig: Rig) -> int:
    (row,) = await rig.rows(_WAITING, "mailbox-test-patient")
    return int(row["n"])


async def _until_waiting(rig: Rig, wanted: int) -> None:
    async with asyncio.timeout(5):
        while await _waiting(rig) != wanted:  # noqa: ASYNC110 - Postgres sets no event
            await asyncio.sleep(0.01)


async def test_a_locked_mailbox_holds_up_only_its_own_command(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        hot, calm = next(accounts), next(accounts)
        await rig.insert(message(hot), message(calm))
        messages = [message(calm), message(hot), message(calm, SHOP)]
        async with rig.locked(hot):
            first, late, third = await rig.mailbox.insert(messages, within(messages))
            assert (first, third) == (2, 3)
            waiting = asyncio.ensure_future(settled(late))
            await _until_waiting(rig, 1)
            assert await rig.insert(message(calm)) == [4]
            assert not waiting.done()
        assert await waiting == 2
        await rig.assert_counted(hot, calm)


async def test_every_kind_of_write_waits_for_a_locked_mailbox(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        hot = next(accounts)
        await rig.insert(message(hot), message(hot), message(hot))
        mailbox = rig.mailbox
        async with rig.locked(hot):
            outcomes = [
                *await mailbox.update([Flags(hot, 1, read=None, locked=True)], within([0])),
                *await mailbox.delete([Removal(hot, 2)], within([0])),
                *await mailbox.read([Reading(hot, FRIEND)], within([0])),
            ]
            waiting = [asyncio.ensure_future(settled(outcome)) for outcome in outcomes]
            await _until_waiting(rig, 1)
        assert await asyncio.gather(*waiting) == [0, 0, 0]
        page = [(entry["messageId"], entry["read"], entry["locked"]) for entry in await rig.page(hot, FRIEND)]
        assert page == [(3, True, False), (1, True, True)]
        await rig.assert_counted(hot)


async def test_one_connection_waits_for_each_locked_mailbox_and_in_order(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        hot, other = next(accounts), next(accounts)
        await rig.insert(message(hot), message(other))
        async with rig.locked(hot):
            several = [message(hot, body=str(number)) for number in range(4)]
            waiting = [
                asyncio.ensure_future(settled(outcome))
                for outcome in await rig.mailbox.insert(several, within(several))
            ]
            await _until_waiting(rig, 1)
            # The patient pool has two connections; the second is free for another mailbox's wait.
            async with rig.locked(other):
                (late,) = await rig.mailbox.insert([message(other)], within([0]))
                second = asyncio.ensure_future(settled(late))
                await _until_waiting(rig, 2)
            assert await second == 2
        assert await asyncio.gather(*waiting) == [2, 3, 4, 5]


async def test_a_wait_that_ran_out_is_unavailable_and_did_nothing(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        hot = next(accounts)
        await rig.insert(message(hot))
        async with rig.locked(hot):
            late = await rig.mailbox.insert([message(hot), message(hot)], within([0, 0], 1.0))
            outcomes: list[Any] = await asyncio.gather(*map(settled, late), return_exceptions=True)
        # On a busy machine ours may be the first of the two clocks that end the wait; either is 99.
        assert all(each is Fault.UNAVAILABLE or isinstance(each, DatabaseTimeout) for each in outcomes)
        assert [entry["messageId"] for entry in await rig.page(hot, FRIEND)] == [1]
        assert await rig.insert(message(hot)) == [2]


async def test_writers_side_by_side_commit_in_the_order_of_change_numbers(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        ours = [next(accounts) for _ in range(4)]
        watching = asyncio.ensure_future(_watch(rig, ours[0], 200))
        stored = await asyncio.gather(*(_keep_writing(rig, ours, random.Random(seed)) for seed in range(6)))
        assert await watching == []
        ids = sorted(itertools.chain.from_iterable(stored))
        for account_id in ours:
            mine = [message_id for owner, message_id in ids if owner == account_id]
            assert mine == list(range(1, len(mine) + 1))
        await rig.assert_counted(*ours)


async def _keep_writing(rig: Rig, ours: list[int], chance: random.Random) -> list[tuple[int, int]]:
    """Write in random groups; an account order that differs from writer to writer is what makes deadlocks."""
    stored: list[tuple[int, int]] = []
    for _ in range(25):
        owners = chance.choices(ours, k=8)
        outcomes = await rig.mailbox.insert([message(owner) for owner in owners], within(owners))
        ids = [await each if isawaitable(each) else each for each in outcomes]
        stored += zip(owners, ids, strict=True)
        removals = [Removal(owner, chance.randint(1, 50)) for owner in owners]
        for each in await rig.mailbox.delete(removals, within(removals)):
            assert (await each if isawaitable(each) else each) == 0
    return stored


async def _watch(rig: Rig, account_id: int, looks: int) -> list[tuple[int, int]]:
    """Follow an account by its change numbers; return each number that came to light behind a greater one."""
    late: list[tuple[int, int]] = []
    seen: set[int] = set()
    for _ in range(looks):
        rows = await rig.rows("select change_seq from outbox where account_id = $1", account_id)
        numbers = {row["change_seq"] for row in rows}
        last = max(seen, default=0)
        late += [(number, last) for number in numbers - seen if number < last]
        seen = numbers
        await asyncio.sleep(0.002)
    assert seen
    return late
