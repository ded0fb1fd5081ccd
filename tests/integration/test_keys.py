"""Keys in the mailbox: a repeated write finds its first answer, in a group, across groups, and for seven days."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

from deploy.local.servers import Servers
from shared.contract.faults import Fault
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Flags, Reading, Removal
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import (
    FRIEND,
    TIMEOUT,
    Rig,
    accounts,
    mailbox_rig,
    message,
    settled,
    shared_rig,
    taken,
    within,
)

INSERT = "message.insert"
_KEYED = """
select * from message_insert(
  array[{0}::bigint], array['+436990000001'], array['hello'], array[1::bigint], array[false], array[false], array[0],
  array[0::smallint], array[true], array[null::bigint], array[false], array[0], 'message.insert', array['{1}'],
  array['hash'::bytea], false
)
"""
_MANY = """
insert into done (account_id, operation, key, request_hash, answer, slot)
select $1 + n % 1000 + 1, 'message.insert', 'key ' || n, 'hash', n, done_slot(0) from generate_series(1, 300000) as n
"""


def keyed(key: str | None, request: str = "first", operation: str = INSERT, seconds: float = TIMEOUT) -> Terms:
    """Return the terms of a write with a key."""
    request_hash = None if key is None else hashlib.sha256(request.encode()).digest()
    return Terms(time.monotonic() + seconds, operation, key, request_hash)


async def _ids(rig: Rig, account: int) -> list[int]:
    return [entry["messageId"] for entry in reversed(await rig.page(account, FRIEND))]


async def _outcomes(outcomes: Sequence[Any]) -> list[Any]:
    return [each if isinstance(each, int) else await each for each in outcomes]


async def test_a_repeated_insert_gives_the_first_answer_also_after_a_delete(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        assert taken(await rig.mailbox.insert([message(account)], [keyed("a")])) == [1]
        assert taken(await rig.mailbox.insert([message(account)], [keyed("a")])) == [1]
        assert await _ids(rig, account) == [1]
        await rig.mailbox.delete([Removal(account, 1)], within([0]))
        assert taken(await rig.mailbox.insert([message(account)], [keyed("a")])) == [1]
        assert await _ids(rig, account) == []
        assert taken(await rig.mailbox.insert([message(account)], [keyed("b")])) == [2]


async def test_another_request_with_the_key_has_no_effect(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, other = next(accounts), next(accounts)
        await rig.mailbox.insert([message(account)], [keyed("a")])
        commands = [message(account), message(account), message(other)]
        terms = [keyed("a", "second"), keyed(None), keyed("a", "second")]
        assert taken(await rig.mailbox.insert(commands, terms)) == [Fault.KEY_REUSED, 2, 1]
        assert (await _ids(rig, account), await _ids(rig, other)) == ([1, 2], [1])
        await rig.assert_counted(account, other)


async def test_a_key_counts_for_one_operation(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.mailbox.insert([message(account), message(account)], [keyed("a"), keyed(None)])
        assert taken(await rig.mailbox.delete([Removal(account, 1)], [keyed("a", "x", "message.delete")])) == [0]
        assert await _ids(rig, account) == [2]


async def test_repeated_changes_have_no_second_effect(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, mailbox = next(accounts), rig.mailbox
        await rig.insert(message(account))
        lock, unlock = [Flags(account, 1, read=True, locked=True)], [Flags(account, 1, read=None, locked=False)]
        reading, update, read = [Reading(account, FRIEND)], "message.update", "conversations.read"
        assert taken(await mailbox.update(lock, [keyed("lock", "1", update)])) == [0]
        assert taken(await mailbox.update(unlock, within([0]))) == [0]
        assert taken(await mailbox.update(lock, [keyed("lock", "1", update)])) == [0]
        assert taken(await mailbox.read(reading, [keyed("read", "2", read)])) == [0]
        assert taken(await mailbox.update([Flags(account, 1, read=False, locked=None)], within([0]))) == [0]
        assert taken(await mailbox.read(reading, [keyed("read", "2", read)])) == [0]
        assert taken(await mailbox.read(reading, [keyed("read", "3", read)])) == [Fault.KEY_REUSED]
        (entry,) = await rig.page(account, FRIEND)
        assert (entry["read"], entry["locked"]) == (False, False)


async def test_twins_in_one_group_have_one_effect(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, other = next(accounts), next(accounts)
        commands = [message(account)] * 5 + [message(other)]
        terms = [keyed("a"), keyed("a"), keyed("a", "second"), keyed("b"), keyed(None), keyed("a")]
        outcomes = await _outcomes(await rig.mailbox.insert(commands, terms))
        assert outcomes == [1, 1, Fault.KEY_REUSED, 2, 3, 1]
        assert (await _ids(rig, account), await _ids(rig, other)) == ([1, 2, 3], [1])


async def test_twins_side_by_side_and_behind_a_lock_have_one_effect(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(message(account))
        async with rig.locked(account):
            groups = await asyncio.gather(
                *(rig.mailbox.insert([message(account)] * 3, [keyed("a")] * 3) for _ in range(3))
            )
            waiting = [asyncio.ensure_future(settled(each)) for group in groups for each in group]
            await asyncio.sleep(0.1)
        assert await asyncio.gather(*waiting) == [2] * 9
        assert await _ids(rig, account) == [1, 2]


async def test_a_key_counts_for_seven_days(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.mailbox.insert([message(account)], [keyed("a")])
        age = "update done set at = now() - make_interval(days => 7, secs => $2) where account_id = $1"
        await rig.rows(age, account, -60)
        assert taken(await rig.mailbox.insert([message(account)], [keyed("a")])) == [1]
        await rig.rows(age, account, 60)
        assert taken(await rig.mailbox.insert([message(account)], [keyed("a", "second")])) == [2]


async def test_an_overdue_command_is_left_out_of_its_group(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        terms = [keyed(None), keyed(None, seconds=0.4), keyed(None, seconds=-1), keyed(None, seconds=2)]
        outcomes = taken(await rig.mailbox.insert([message(account)] * 4, terms))
        assert outcomes == [1, Fault.UNAVAILABLE, Fault.UNAVAILABLE, 2]
        assert taken(await rig.mailbox.insert([message(account)], [keyed("a", seconds=-1)])) == [Fault.UNAVAILABLE]
        assert await _ids(rig, account) == [1, 2]


async def test_a_key_is_looked_up_by_itself_whatever_the_plan_was_made_for(servers: Servers) -> None:
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        account = next(accounts)
        async with rig.database.transaction(timeout=60) as session:
            await session.execute("set local plan_cache_mode = force_generic_plan")
            # Planned while the table is empty, by a session that keeps the plan.
            await session.execute(_KEYED.format(account, "first"))
            await session.execute(_MANY, account)
            began = time.monotonic()
            for number in range(5):
                await session.execute(_KEYED.format(account, number))
            # A few ms each; 0.5 s each where all of the operation's rows are read.
            assert time.monotonic() - began < 1
