"""Messages that are too old go, and no others, whatever happens on the way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from deploy.local.servers import Servers
from shared.mailbox.expiry import Expiry, Left, Retained
from shared.mailbox.retention import Retention
from shared.mailbox.retention_rules import RetentionRules
from shared.mailbox.upkeep import Upkeep
from shared.mailbox.writes import Closing, NewMessage
from shared.postgres.errors import DatabaseAway
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import FRIEND, SHOP, TIMEOUT, Rig, accounts, mailbox_rig, message, taken, within
from tests.integration.purge_rig import fill
from tests.running import Stack

NAME = "retention-test"
DAY = 86_400_000
DAYS = 30
IDLE, PASS = 60.0, 6 * 3600.0
# The goal is about a second.
SECONDS = 60.0
_THERE = "select message_id from message where account_id = $1 and not deleted order by message_id"
# A tombstone has no text, and its event tells the number of its deletion.
_TOMBSTONES = """
select message_id from message join outbox using (account_id, message_id, change_seq)
where account_id = $1 and deleted and body = '' and kind = 3 order by message_id
"""
_EVENTS = "select count(*)::int as events from outbox where account_id = $1 and kind = 3"
_KILL = f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{NAME}'"
_PASS = "select behind, free_at, ended_at from retention_pass"
_DUE = "update retention_pass set free_at = now()"


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """Yield a mailbox on a database where no retention is at work."""
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        yield rig


@asynccontextmanager
async def retaining(rig: Rig, days: int = DAYS) -> AsyncIterator[Retention]:
    """Give retention as a process has it."""
    async with Database(rig.url, 1, name=NAME) as database:
        yield Retention(database, days)


def aged(account: int, days: float = DAYS + 1, address: str = FRIEND, **fields: Any) -> NewMessage:
    """Return a message that is so many days old."""
    return message(account, address, date_sent=round(time.time() * 1000 - days * DAY))._replace(**fields)


def sent(account: int, status: int, days: float = DAYS + 1) -> NewMessage:
    return aged(account, days, incoming=False, read=True, origin=1, status=status)


async def ids(rig: Rig, query: str, account: int) -> list[int]:
    return [row["message_id"] for row in await rig.rows(query, account)]


async def left(rig: Rig, account: int) -> list[int]:
    """Return which messages are left, once counters, tombstones and events are looked at."""
    await rig.assert_counted(account)
    there, tombstones = await ids(rig, _THERE, account), await ids(rig, _TOMBSTONES, account)
    (mailbox,) = await rig.rows("select last_message_id as last from mailbox where account_id = $1", account)
    assert sorted(there + tombstones) == list(range(1, mailbox["last"] + 1))
    assert await rig.rows(_EVENTS, account) == [{"events": len(tombstones)}]
    return there


async def test_what_is_old_goes_unless_it_is_locked_or_waits_to_be_sent(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(
        aged(account),
        aged(account, locked=True),
        aged(account, DAYS - 1),
        aged(account, read=True),
        *(sent(account, status) for status in (0, 1, 2, 3, 4, 5)),
        aged(account, status=1),
        aged(account, address=SHOP),
    )
    before = REGISTRY.get_sample_value("usermessage_expired_messages_total") or 0
    async with retaining(rig) as retention:
        assert await retention.round() == IDLE
    assert await left(rig, account) == [2, 3, 6, 9]
    assert REGISTRY.get_sample_value("usermessage_expired_messages_total") == before + 8
    assert [row["address"] for row in await rig.mailbox.conversations(account, timeout=TIMEOUT)] == [FRIEND]


async def test_what_changed_since_it_was_found_stays(rig: Rig) -> None:
    account, before = next(accounts), round(time.time() * 1000 - DAYS * DAY)
    await rig.insert(aged(account, locked=True), sent(account, 1), aged(account, 1), aged(account, address=SHOP))
    await _delete(rig, account, SHOP)
    expire = "select mailbox_expire($1, $2, $3, $4) as removed"
    assert await rig.rows(expire, account, [1, 2, 3, 4, 5], before, DAYS) == [{"removed": 0}]
    assert await left(rig, account) == [1, 2, 3, 4]


async def test_a_rule_that_is_withdrawn_holds_at_once(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(*[aged(account)] * 3)
    found = Retained(account, DAYS, round(time.time() * 1000 - DAYS * DAY), due=True)
    await rig.rows("select mailbox_set_retention($1, 0)", account)
    assert (await Expiry(rig.database, DAYS).clear(found)).messages == 0
    assert await left(rig, account) == [1, 2, 3]


async def test_deleted_conversations_are_left_to_the_purge(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(aged(account), aged(account, address=SHOP))
    await _delete(rig, account, FRIEND)
    await rig.insert(aged(account))
    before = round(time.time() * 1000 - DAYS * DAY)
    assert await Expiry(rig.database, DAYS).count(Retained(account, DAYS, before, due=True)) == 2
    async with retaining(rig) as retention:
        await retention.round()
    assert await left(rig, account) == [1]
    assert await rig.rows("select conversation_purge($1, 10, 0) as purged", account) == [{"purged": 1}]


async def test_an_account_has_days_of_its_own(rig: Rig) -> None:
    never, sooner, later, as_all = (next(accounts) for _ in range(4))
    own = {never: 0, sooner: 10, later: 50, as_all: None}
    rules = RetentionRules(rig.database, DAYS)
    for account, days in own.items():
        await rig.insert(*(aged(account, age) for age in (5, 20, 40, 60)))
        await rules.set(account, DAYS if days is None else days + 1)
        await rules.set(account, days)
    for default, rest in ((0, [4, 1, 3, 4]), (DAYS, [4, 1, 3, 2])):
        await rig.rows(_DUE)
        async with retaining(rig, default) as retention:
            await retention.round()
        assert [len(await left(rig, account)) for account in own] == rest


async def test_nothing_is_done_or_written_where_no_message_ever_expires(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(aged(account))
    await RetentionRules(rig.database, 0).set(account, 0)
    before = await rig.rows(_PASS)
    async with retaining(rig, 0) as retention:
        assert await retention.round() == IDLE
    assert await rig.rows(_PASS) == before
    assert await left(rig, account) == [1]


async def test_the_next_pass_begins_hours_after_the_last(rig: Rig) -> None:
    account = next(accounts)
    async with retaining(rig) as retention:
        for due in (True, False, True):
            await rig.insert(aged(account))
            if due:
                await rig.rows(_DUE)
            await retention.round()
            assert await left(rig, account) == ([] if due else [2])
    (row,) = await rig.rows(f"{_PASS} where free_at - ended_at between interval '5 hours' and interval '7 hours'")
    assert row["behind"] == 0


async def test_a_locked_mailbox_is_skipped_and_done_later(rig: Rig) -> None:
    locked, free = sorted(next(accounts) for _ in range(2))
    await rig.insert(aged(locked), aged(free))
    async with retaining(rig) as retention:
        async with rig.locked(locked):
            began = time.monotonic()
            await retention.round()
            assert time.monotonic() - began < 5
            assert [await left(rig, account) for account in (locked, free)] == [[1], []]
        await rig.rows(_DUE)
        await retention.round()
    assert await left(rig, locked) == []


async def test_a_mailbox_that_is_locked_for_a_moment_is_done_at_once(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(aged(account))
    expiry = Expiry(rig.database, DAYS)
    async with rig.locked(account):
        cleared = asyncio.create_task(expiry.clear(Retained(account, DAYS, round(time.time() * 1000), due=True)))
        await asyncio.sleep(0.03)
    assert await cleared == (1, Left.DONE)


async def test_a_turn_that_is_over_goes_on_in_the_next(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.retention._TURN_SECONDS", 0.0)
    monkeypatch.setattr("shared.mailbox.step_size._MOST_MESSAGES", 4)
    monkeypatch.setattr("shared.mailbox.expiry._SLICE", 2)
    first, second, third = sorted(next(accounts) for _ in range(3))
    await rig.insert(*(aged(first) for _ in range(10)), aged(second), aged(third))
    seen: list[list[int]] = []
    async with retaining(rig) as retention:
        while await retention.round() == 0:
            seen.append([len(await ids(rig, _THERE, account)) for account in (first, second, third)])
    assert [each[0] for each in seen[:3]] == [6, 2, 0]
    assert seen[-1][1:] == [0, 0]
    assert [await left(rig, account) for account in (first, second, third)] == [[], [], []]


async def test_a_turn_goes_through_many_mailboxes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.expiry._SLICE", 2)
    several = [next(accounts) for _ in range(7)]
    await rig.insert(*(aged(account) for account in several))
    async with retaining(rig) as retention:
        await retention.round()
    assert [await left(rig, account) for account in several] == [[]] * 7


async def test_many_conversations_are_cleared_in_small_steps(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.step_size._MOST_MESSAGES", 3)
    account = next(accounts)
    # Dates fall where ids rise, and some are the same.
    await rig.insert(
        *(aged(account, 100 + nth // 3, f"conversation {nth % 5}", locked=nth % 4 == 0) for nth in range(40))
    )
    before = round(time.time() * 1000 - DAYS * DAY)
    assert await Expiry(rig.database, DAYS).count(Retained(account, DAYS, before, due=True)) == 30
    async with retaining(rig) as retention:
        await retention.round()
    assert await left(rig, account) == list(range(1, 41, 4))


async def test_processes_side_by_side_take_turns(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.retention._IDLE_SECONDS", 0.01)
    monkeypatch.setattr("shared.mailbox.retention._TURN_SECONDS", 0.05)
    several = [next(accounts) for _ in range(4)]
    for account in several:
        await fill(rig.url, account, 3_000, FRIEND)
    before = REGISTRY.get_sample_value("usermessage_expired_messages_total") or 0
    async with _running(rig), _running(rig), _running(rig):
        await _until(rig, f"{_PASS} where ended_at is not null")
    for account in several:
        await _assert_only_locked_left(rig, account, 3_000)
    assert REGISTRY.get_sample_value("usermessage_expired_messages_total") == before + 4 * 2_700


async def test_a_turn_of_another_process_is_left_alone_until_it_must_be_over(rig: Rig) -> None:
    done, account = sorted(next(accounts) for _ in range(2))
    await rig.insert(aged(done), aged(account))
    await rig.rows("update retention_pass set behind = $1, free_at = now() + interval '1 minute'", done)
    async with retaining(rig) as retention:
        assert await retention.round() == IDLE
        assert await left(rig, account) == [1]
        await rig.rows(_DUE)
        await retention.round()
    # What was done in the other's turn is not looked at again.
    assert [await left(rig, each) for each in (done, account)] == [[1], []]


async def test_retention_whose_connection_is_killed_goes_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.retention._IDLE_SECONDS", 0.05)
    monkeypatch.setattr("shared.mailbox.retention._LEASE_SECONDS", 0.2)
    monkeypatch.setattr("shared.mailbox.step_size._MOST_MESSAGES", 250)
    account, messages = next(accounts), 10_000
    await fill(rig.url, account, messages, FRIEND)
    kills: list[int] = []
    async with _running(rig):
        while len(kills) < 3:
            await asyncio.sleep(0.2)
            if await rig.rows(_KILL):
                kills.append(len(await ids(rig, _THERE, account)))
                await rig.assert_counted(account)
        await _until(rig, f"{_PASS} where ended_at is not null")
    print(f"killed with {kills} of {messages} messages left")
    assert any(messages // 10 < there < messages for there in kills)
    await _assert_only_locked_left(rig, account, messages)


async def test_a_killed_step_is_undone(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(*(aged(account) for _ in range(5)))
    slow = "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end'"
    await rig.rows(slow)
    await rig.rows("create trigger slow before insert on outbox for each row execute function slow()")
    async with retaining(rig) as retention:
        turn = asyncio.create_task(retention.round())
        await _until(rig, f"{_KILL} and wait_event = 'PgSleep'")
        with pytest.raises(DatabaseAway):
            await turn
        assert await left(rig, account) == [1, 2, 3, 4, 5]
        await rig.rows("drop trigger slow on outbox")
        await rig.rows(_DUE)
        await retention.round()
    assert await left(rig, account) == []


async def test_a_mailbox_that_fails_keeps_no_other_waiting(rig: Rig) -> None:
    broken, fine = sorted(next(accounts) for _ in range(2))
    await rig.insert(aged(broken), aged(fine))
    await rig.rows("update mailbox set last_change_seq = 9223372036854775807 where account_id = $1", broken)
    async with retaining(rig) as retention:
        with pytest.raises(asyncpg.NumericValueOutOfRangeError):
            await retention.round()
        assert [await left(rig, account) for account in (broken, fine)] == [[1], []]
        await rig.rows("update mailbox set last_change_seq = 1 where account_id = $1", broken)
        await rig.rows(_DUE)
        assert await retention.round() == IDLE
    assert await left(rig, broken) == []


async def test_the_conversations_role_removes_what_is_old(servers: Servers, stack: Stack) -> None:
    account, role = (await stack.account()).account_id, stack.roles["conversations"]
    async with mailbox_rig(servers.postgres.url) as rig:
        await rig.insert(aged(account), aged(account, 1))
        await RetentionRules(rig.database, 0).set(account, DAYS)
        await rig.rows(_DUE)
        await asyncio.to_thread(role.stop)
        await asyncio.to_thread(role.start)
        await _until(rig, f"{_PASS} where ended_at is not null")
        assert await ids(rig, _THERE, account) == [2]
        await RetentionRules(rig.database, 0).set(account, None)


@asynccontextmanager
async def _running(rig: Rig) -> AsyncIterator[None]:
    """Retain until the block ends."""
    async with retaining(rig) as retention, Upkeep("retention", retention.round, retry_seconds=0.05).running():
        yield


async def _until(rig: Rig, query: str) -> None:
    async with asyncio.timeout(SECONDS):
        while not await rig.rows(query):  # noqa: ASYNC110 - somebody else's work, looked at from outside
            await asyncio.sleep(0.02)


async def _delete(rig: Rig, account: int, address: str) -> None:
    closings = [Closing(account, json.dumps([address]))]
    assert taken(await rig.mailbox.delete_conversations(closings, within(closings))) == [0]


async def _assert_only_locked_left(rig: Rig, account: int, messages: int) -> None:
    """Hold a conversation of `fill`, in which every tenth message is locked, against what must be left of it."""
    await rig.rows("analyze message, outbox")
    await rig.assert_counted(account)
    assert await ids(rig, _THERE, account) == list(range(10, messages + 1, 10))
    assert len(await ids(rig, _TOMBSTONES, account)) == messages * 9 // 10
    assert await rig.rows(_EVENTS, account) == [{"events": messages * 9 // 10}]
