"""The purge makes tombstones of what was deleted, whatever happens to it on the way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest
from prometheus_client import REGISTRY

from deploy.local.servers import Servers
from shared.mailbox.purge import Purge
from shared.mailbox.upkeep import Upkeep
from shared.mailbox.writes import Closing
from shared.postgres.errors import DatabaseAway, DatabaseTimeout
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database, on_server
from tests.integration.mailbox_rig import FRIEND, SHOP, Rig, accounts, mailbox_rig, message, taken, within
from tests.integration.purge_rig import assert_emptied, assert_purged, fill
from tests.reliability.client import Client
from tests.running import Stack

NAME = "purge-test"
MESSAGES = 20_000
# The goal is about 1 s.
PURGED_SECONDS = 60.0
_LEFT = "select count(*)::int as left from conversation where closed"
_DONE = "select count(*)::int as done from message where account_id = $1 and deleted"
_ALIVE = "select count(*)::int as alive from message where account_id = $1 and not deleted"
_GONE = "select where not exists (select from message where account_id = {} and message_id = {} and not deleted)"
_KILL = f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{NAME}'"


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """Yield a mailbox on a database where no purge is at work."""
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        yield rig


@asynccontextmanager
async def purging(url: str) -> AsyncIterator[Upkeep]:
    """Purge until the block ends."""
    async with Database(url, 1, name=NAME) as database:
        upkeep = Upkeep("purge", Purge(database).round, retry_seconds=0.05)
        async with upkeep.running():
            yield upkeep


async def delete(rig: Rig, account: int, *addresses: str) -> None:
    closings = [Closing(account, json.dumps(addresses))]
    assert taken(await rig.mailbox.delete_conversations(closings, within(closings))) == [0]


async def one(rig: Rig, query: str, *arguments: object) -> int:
    ((value,),) = [row.values() for row in await rig.rows(query, *arguments)]
    return int(value)


async def finished(rig: Rig) -> None:
    async with asyncio.timeout(PURGED_SECONDS):
        while await one(rig, _LEFT):  # noqa: ASYNC110 - somebody else's work, looked at from outside
            await asyncio.sleep(0.02)


async def test_a_purge_takes_small_and_large_conversations_of_many_accounts(rig: Rig) -> None:
    large, small = next(accounts), [next(accounts) for _ in range(150)]
    await fill(rig.url, large, 3_500, FRIEND)
    await rig.insert(*(message(account, address) for account in small for address in (FRIEND, SHOP, "kept")))
    for account in (large, *small):
        await delete(rig, account, FRIEND, SHOP)
    before = REGISTRY.get_sample_value("usermessage_purged_messages_total") or 0
    async with purging(rig.url):
        await finished(rig)
    await assert_purged(rig.url, large, 3_500)
    await rig.assert_counted(large, *small)
    tombstones = "select count(*)::int as tombstones from message where deleted and account_id = any ($1)"
    assert await one(rig, tombstones, small) == 300
    after = REGISTRY.get_sample_value("usermessage_purged_messages_total")
    assert after == before + 3_800


async def test_a_purge_whose_connection_is_killed_goes_on(rig: Rig) -> None:
    account = next(accounts)
    await fill(rig.url, account, MESSAGES, FRIEND)
    await delete(rig, account, FRIEND)
    kills: list[int] = []
    async with purging(rig.url):
        while await one(rig, _LEFT):
            await asyncio.sleep(0.2)
            if await rig.rows(_KILL):
                kills.append(await one(rig, _DONE, account))
    print(f"killed at {kills} of {MESSAGES} messages")
    assert any(0 < done < MESSAGES for done in kills)
    await assert_purged(rig.url, account, MESSAGES)


async def test_a_killed_step_is_undone(rig: Rig) -> None:
    account = next(accounts)
    await fill(rig.url, account, 5, FRIEND)
    await delete(rig, account, FRIEND)
    slow = "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end'"
    await rig.rows(slow)
    await rig.rows("create trigger slow before insert on outbox for each row execute function slow()")
    async with Database(rig.url, 1, name=NAME) as database:
        step = asyncio.create_task(Purge(database).round())
        await _until(rig, f"{_KILL} and wait_event = 'PgSleep'")
        with pytest.raises(DatabaseAway):
            await step
        assert await one(rig, _DONE, account) == 0
        await rig.rows("drop trigger slow on outbox")
        await Purge(database).round()
    await assert_purged(rig.url, account, 5)


async def _until(rig: Rig, query: str) -> None:
    async with asyncio.timeout(PURGED_SECONDS):
        while not await rig.rows(query):  # noqa: ASYNC110 - somebody else's work, looked at from outside
            await asyncio.sleep(0.02)


async def test_two_purges_side_by_side_share_the_work(rig: Rig) -> None:
    several = [next(accounts) for _ in range(4)]
    for account in several:
        await fill(rig.url, account, MESSAGES // 4, FRIEND)
        await delete(rig, account, FRIEND)
    async with purging(rig.url), purging(rig.url):
        await finished(rig)
    for account in several:
        await assert_purged(rig.url, account, MESSAGES // 4)


async def test_a_mailbox_rests_after_a_step_whoever_comes(rig: Rig) -> None:
    account = next(accounts)
    await fill(rig.url, account, 10, FRIEND)
    await delete(rig, account, FRIEND)
    step = "select conversation_purge($1, 4, $2) as purged"
    assert await rig.rows(step, account, 1e6) == [{"purged": 4}]
    assert await rig.rows(step, account, 0.0) == [{"purged": None}]
    left = await rig.rows("select messages, max_message_id from conversation where account_id = $1 and closed", account)
    assert left == [{"messages": 6, "max_message_id": 6}]
    assert await rig.insert(message(account)) == [11]
    await rig.rows("update mailbox set purge_rests_until = now() where account_id = $1", account)
    assert await rig.rows(step, account, 0.0) == [{"purged": 4}]
    assert await rig.rows(step, account, 0.0) == [{"purged": 2}]
    assert await rig.rows(step, account, 0.0) == [{"purged": 0}]


async def test_a_locked_mailbox_is_left_for_later(rig: Rig) -> None:
    locked, free = next(accounts), next(accounts)
    for account in (locked, free):
        await fill(rig.url, account, 10, FRIEND)
        await delete(rig, account, FRIEND)
    async with AsyncExitStack() as purge:
        async with rig.locked(locked):
            await purge.enter_async_context(purging(rig.url))
            await _until(rig, _GONE.format(free, 10))
            assert await one(rig, _DONE, locked) == 0
        await finished(rig)
    await assert_purged(rig.url, locked, 10)


async def test_a_round_goes_past_its_first_accounts(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.purge._ROUND_ACCOUNTS", 2)
    several = sorted(next(accounts) for _ in range(4))
    await rig.insert(*(message(account) for account in several))
    for account in several:
        await delete(rig, account, FRIEND)
    async with Database(rig.url, 1, name=NAME) as database, rig.locked(several[0]), rig.locked(several[1]):
        purge = Purge(database)
        for _ in range(3):
            await purge.round()
    assert [await one(rig, _DONE, account) for account in several] == [0, 0, 1, 1]


async def test_the_metric_tells_how_many_wait(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(message(account), message(account, SHOP))
    await delete(rig, account, FRIEND, SHOP)
    async with Database(rig.url, 1, name=NAME) as database:
        purge = Purge(database)
        async with rig.locked(account):
            await purge.round()
            assert REGISTRY.get_sample_value("usermessage_closed_conversations") == 2
        await purge.round()
        await purge.round()
    assert REGISTRY.get_sample_value("usermessage_closed_conversations") == 0


async def test_a_database_that_comes_back_is_purged(servers: Servers, rig: Rig) -> None:
    account = next(accounts)
    await fill(rig.url, account, MESSAGES, FRIEND)
    await delete(rig, account, FRIEND)
    async with purging(rig.url) as upkeep:
        await _until(rig, _GONE.format(account, MESSAGES))
        await asyncio.to_thread(servers.postgres.kill)
        await asyncio.to_thread(servers.postgres.start)
        await _answers(servers)
        upkeep.wake()
        await finished(rig)
    await assert_purged(rig.url, account, MESSAGES)


async def _answers(servers: Servers) -> None:
    async with asyncio.timeout(PURGED_SECONDS):
        while True:
            try:
                await on_server(servers, "select 1")
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.1)
            else:
                return


async def test_the_purge_follows_each_delete_without_waiting_for_its_turn(servers: Servers, stack: Stack) -> None:
    account = await stack.account()
    slowest = 0.0
    async with Client(stack.base_url, stack.api_key) as client, mailbox_rig(servers.postgres.url) as rig:
        for nth in range(1, 5):
            await client.read(account, "/user/message/insert", address=FRIEND, message="x")
            await client.read(account, "/user/message/conversations/delete", address=FRIEND)
            began = time.monotonic()
            await _until(rig, _GONE.format(account.account_id, nth))
            slowest = max(slowest, time.monotonic() - began)
    # Its turns are 5 s apart, so without being told it would need that long for each but the first.
    assert slowest < 2.5


async def test_a_role_that_is_restarted_in_the_middle_of_a_purge_goes_on(servers: Servers, stack: Stack) -> None:
    account, role = (await stack.account()).account_id, stack.roles["conversations"]
    before = len(role.process.log.read_text())
    await fill(servers.postgres.url, account, 2 * MESSAGES, FRIEND)
    async with mailbox_rig(servers.postgres.url) as rig:
        await delete(rig, account, FRIEND)
        await _until(rig, _GONE.format(account, 2 * MESSAGES))
        await asyncio.to_thread(role.stop)
        assert 0 < await one(rig, _ALIVE, account) < 2 * MESSAGES
        await asyncio.to_thread(role.start)
        await finished(rig)
    await assert_emptied(servers.postgres.url, account, 2 * MESSAGES)
    lines = [json.loads(line) for line in role.process.log.read_text()[before:].splitlines()]
    assert [line["event"] for line in lines].count("stopped") == 1
    # A step may be too much for a machine that does other things too; then the next one is smaller.
    waits = {line["reason"] for line in lines if line["event"] == "upkeep waits for the database"}
    assert waits <= {"no answer in time"}
    assert not {"upkeep failed", "drain cut short"} & {line["event"] for line in lines}


async def test_a_mailbox_whose_step_fails_keeps_no_other_waiting(rig: Rig) -> None:
    broken, fine = sorted(next(accounts) for _ in range(2))
    await rig.insert(message(broken), message(fine))
    for account in (broken, fine):
        await delete(rig, account, FRIEND)
    await rig.rows("update mailbox set last_change_seq = 9223372036854775807 where account_id = $1", broken)
    async with Database(rig.url, 1, name=NAME) as database:
        with pytest.raises(asyncpg.NumericValueOutOfRangeError):
            await Purge(database).round()
    assert [await one(rig, _DONE, account) for account in (broken, fine)] == [0, 1]


async def test_what_a_killed_erase_left_makes_no_busy_loop(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(message(account))
    await delete(rig, account, FRIEND)
    await rig.rows("delete from mailbox where account_id = $1", account)
    async with Database(rig.url, 1, name=NAME) as database:
        assert await Purge(database).round() == 5.0


async def test_a_step_that_took_too_long_is_followed_by_a_smaller_one(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.mailbox.purge._STEP_SECONDS", 2.0)
    account = next(accounts)
    await fill(rig.url, account, 900, FRIEND)
    await delete(rig, account, FRIEND)
    await rig.rows(
        "create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(10); return new; end $$"
    )
    await rig.rows(
        "create trigger slowly before update on message for each row when (old.message_id = 200)"
        " execute function slowly()"
    )
    async with Database(rig.url, 1, name=NAME) as database:
        purge = Purge(database)
        with pytest.raises(DatabaseTimeout):
            await purge.round()
        while not await one(rig, _DONE, account):
            await purge.round()
    assert await one(rig, _DONE, account) == 501
