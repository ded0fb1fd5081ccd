"""`usermessage accounts erase`, on a real database: nothing of an account stays, and nothing of it comes back."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import orjson
import pytest

from services.accounts import erase as of_accounts
from services.delivery import commands as of_delivery
from services.search.postgres import index as of_search
from shared.contract.faults import Fault
from shared.mailbox import erase as of_mailbox
from shared.mailbox.devices import DeviceRemoval
from shared.mailbox.sends import SmsSend
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Closing, Flags, Reading, Removal, Written
from tests.integration.full_account import TABLES, full_account, rows_of
from tests.integration.mailbox_rig import FRIEND, Rig, mailbox_rig, message, settled, within
from tests.integration.purge_rig import fill
from tests.integration.terminal import NUMBER, ROOT, Terminal
from tests.integration.watching import revocations

OTHER = "436990000002"
# It stays, so that the account's mailbox never comes back; an id alone tells of nobody.
MARK = {"erased_account": 1}
_LOCKED = """
select count(*)::int as n from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""
_KEEP = "select delivery_keep(array[$1::bigint], array[7], array['436990000007'], array[1::bigint], '{null}')"
# What a killed program asked for goes on until Postgres looks at the connection.
_END = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'usermessage command line'"
)


@pytest.fixture(scope="module")
async def rig(migrated: Terminal) -> AsyncIterator[Rig]:
    async with mailbox_rig(migrated.environment["DATABASE_URL"]) as rig:
        yield rig


def _nothing(rows: dict[str, int]) -> dict[str, int]:
    return dict.fromkeys(rows, 0) | MARK


@asynccontextmanager
async def _transaction(rig: Rig) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection in a transaction that is committed at the end."""
    connection = await asyncpg.connect(rig.url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


async def _waits(rig: Rig, count: int = 1) -> None:
    """Wait until somebody waits for a lock."""
    async with asyncio.timeout(20):
        while (await rig.rows(_LOCKED))[0]["n"] != count:  # noqa: ASYNC110 - Postgres sets no event
            await asyncio.sleep(0.02)


def _erase(terminal: Terminal, account_id: int) -> "asyncio.Task[dict[str, Any]]":
    return asyncio.create_task(asyncio.to_thread(terminal.row, "accounts", "erase", f"id:{account_id}", "--yes"))


async def test_every_table_with_rows_of_accounts_is_somebodys_to_erase(rig: Rig) -> None:
    found = {row["relname"] for row in await rig.rows(TABLES)}
    known = {*of_mailbox.TABLES, *of_accounts.TABLES, *of_delivery.TABLES, *of_search.TABLES, "mailbox"}
    assert found == known | set(MARK)


async def test_nothing_is_left_but_what_others_have(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    other_id = await full_account(terminal, rig, OTHER)
    before, others = await rows_of(rig.url, account_id, NUMBER), await rows_of(rig.url, other_id, OTHER)
    assert [table for table, count in before.items() if not count] == [*MARK]
    erased = terminal.row("accounts", "erase", f"+{NUMBER}", "--yes")
    counts = {each: count for each, count in before.items() if each not in MARK}
    assert erased == {"account_id": account_id, "events": 0} | counts
    assert await rows_of(rig.url, account_id, NUMBER) == _nothing(before)
    assert await rows_of(rig.url, other_id, OTHER) == others
    again = terminal.run("accounts", "erase", f"+{NUMBER}", "--yes")
    assert (again.returncode, again.stderr) == (1, "usermessage: no such account\n")


async def test_it_asks_and_does_nothing_without_the_right_answer(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    before = await rows_of(rig.url, account_id, NUMBER)
    for wrong in ("y\n", "\n", f"{NUMBER}\n", ""):
        done = terminal.run("accounts", "erase", f"+{NUMBER}", text=wrong)
        assert (done.returncode, done.stdout) == (1, "")
    assert await rows_of(rig.url, account_id, NUMBER) == before
    done = terminal.run("accounts", "erase", f"+{NUMBER}", text=f"+{NUMBER}\n")
    assert done.returncode == 0
    assert await rows_of(rig.url, account_id, NUMBER) == _nothing(before)


async def test_many_rows_go_in_short_steps(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    await fill(rig.url, account_id, 20_000, FRIEND)
    await rig.rows("create table step (rows integer)")
    await rig.rows(
        "create function count_step() returns trigger language plpgsql as"
        " 'begin insert into step select count(*) from gone; return null; end'"
    )
    await rig.rows(
        "create trigger count_step after delete on message referencing old table as gone execute function count_step()"
    )
    try:
        assert terminal.row("accounts", "erase", NUMBER, "--yes")["message"] == 20_000
        (steps,) = await rig.rows("select max(rows) as most, sum(rows)::int as sum from step")
    finally:
        await rig.rows("drop function count_step cascade")
        await rig.rows("drop table step")
    assert (steps["most"], steps["sum"]) == (5000, 20_000)


async def test_writes_are_refused_and_reads_give_nothing(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    terminal.row("accounts", "erase", NUMBER, "--yes")
    one: Sequence[Terms] = within([0])
    mailbox = rig.mailbox
    outcomes: list[Written[int]] = [
        *await mailbox.insert([message(account_id)], one),
        *await mailbox.update([Flags(account_id, 1, read=True, locked=None)], one),
        *await mailbox.delete([Removal(account_id, 1)], one),
        *await mailbox.read([Reading(account_id, FRIEND)], one),
        *await mailbox.delete_conversations([Closing(account_id, '["x"]')], one),
        *await mailbox.delete_device([DeviceRemoval(account_id, 1)], one),
    ]
    assert {await settled(outcome) for outcome in outcomes} == {Fault.UNAVAILABLE}
    assert await mailbox.conversations(account_id, timeout=5) == []
    assert await rig.page(account_id, FRIEND) == []
    rows = await rows_of(rig.url, account_id, NUMBER)
    assert rows == _nothing(rows)


async def test_an_erased_account_holds_up_nobody_in_its_group(terminal: Terminal, rig: Rig) -> None:
    erased, alive = terminal.account(), terminal.account(OTHER)
    terminal.row("accounts", "erase", NUMBER, "--yes")
    messages = [message(erased), message(alive)]
    late, stored = await rig.mailbox.insert(messages, within(messages))
    assert stored == 1
    assert isinstance(late, Awaitable)
    assert await late is Fault.UNAVAILABLE


async def test_a_mailbox_that_is_being_created_is_waited_for(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    async with _transaction(rig) as connection:
        await connection.execute("select mailbox_lock(array[$1::bigint], false)", account_id)
        await connection.execute("insert into outbox (account_id, message_id, change_seq, kind) values ($1, 1, 1, 1)",
                                 account_id)  # fmt: skip
        erasing = _erase(terminal, account_id)
        await _waits(rig)
    erased = await erasing
    assert (erased["mailbox"], erased["outbox"]) == (1, 1)
    rows = await rows_of(rig.url, account_id, NUMBER)
    assert rows == _nothing(rows)


def _text(account_id: int) -> SmsSend:
    return SmsSend(account_id, f'["{OTHER}"]', "hello", 1_000, None, 0, 1, store=False, sender=NUMBER)


@pytest.mark.parametrize(
    "write",
    [
        lambda mailbox, account_id: mailbox.insert([message(account_id)], within([0])),
        lambda mailbox, account_id: mailbox.send_sms([_text(account_id)], within([0])),
    ],
    ids=["message", "text"],
)
async def test_a_write_that_waits_behind_it_is_refused(
    terminal: Terminal, rig: Rig, write: Callable[[Mailbox, int], Awaitable[list[Written[int]]]]
) -> None:
    account_id = terminal.account()
    await rig.insert(message(account_id))
    async with _transaction(rig) as connection:
        await connection.execute("select mailbox_erase($1)", account_id)
        (late,) = await write(rig.mailbox, account_id)
        waiting = asyncio.ensure_future(settled(late))
        await _waits(rig)
    assert await waiting is Fault.UNAVAILABLE
    terminal.row("accounts", "erase", NUMBER, "--yes")
    rows = await rows_of(rig.url, account_id, NUMBER)
    assert rows == _nothing(rows)


@pytest.mark.parametrize(
    "late",
    [
        "insert into token (token_hash, account_id, api_key_id) select '', $1, max(id) from api_key",
        "insert into contact values ($1, 7, 'Late', array['+436990000007'])",
        "insert into delivery_counted values ($1, 7, '', 7)",
    ],
)
async def test_what_is_added_meanwhile_goes_too(terminal: Terminal, rig: Rig, late: str) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    async with _transaction(rig) as connection:
        await connection.execute(late, account_id)
        erasing = _erase(terminal, account_id)
        await _waits(rig)
    await erasing
    rows = await rows_of(rig.url, account_id, NUMBER)
    assert rows == _nothing(rows)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await rig.rows(late, account_id)


async def test_no_job_is_kept_behind_an_erase(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    async with _transaction(rig) as connection:
        await connection.execute(_KEEP, account_id)
        erasing = _erase(terminal, account_id)
        await _waits(rig)
    await erasing
    # Its account goes last: what holds until then is not the reference to it.
    await rig.rows("insert into account (id, msisdn) overriding system value values ($1, null)", account_id)
    await rig.rows(_KEEP, account_id)
    await rig.rows("delete from account where id = $1", account_id)
    rows = await rows_of(rig.url, account_id, NUMBER)
    assert rows == _nothing(rows)


async def test_an_erase_that_was_killed_is_finished_by_another(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    before = await rows_of(rig.url, account_id, NUMBER)
    async with _transaction(rig) as connection:
        await connection.execute("select from device where account_id = $1 for update", account_id)
        with _program(terminal, account_id) as program:
            await _waits(rig)
            program.kill()
    await rig.rows(_END)
    between = await rows_of(rig.url, account_id, NUMBER)
    assert (between["message"], between["account"]) == (0, 1)
    assert 0 < between["outbox"] == before["outbox"]
    erased = terminal.row("accounts", "erase", NUMBER, "--yes")
    assert (erased["message"], erased["outbox"], erased["account"]) == (0, before["outbox"], 1)
    assert await rows_of(rig.url, account_id, NUMBER) == _nothing(before)


async def test_two_at_once_do_not_harm_each_other(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    await fill(rig.url, account_id, 20_000, FRIEND)
    async with _transaction(rig) as connection:
        await connection.execute("select from message where account_id = $1 and message_id = 1 for update", account_id)
        both = [asyncio.create_task(terminal.process("accounts", "erase", NUMBER, "--yes")) for _ in range(2)]
        await _waits(rig, 2)
    assert 0 in await asyncio.gather(*both)
    rows = await rows_of(rig.url, account_id, NUMBER)
    assert rows == _nothing(rows)


async def test_rows_that_another_erase_takes_are_not_the_last(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    await fill(rig.url, account_id, 20, FRIEND)
    step = "select account_rows_delete('message', $1, 8)"
    async with _transaction(rig) as connection:
        assert await connection.fetchval(step, account_id) == 8
        second = asyncio.create_task(rig.rows(step, account_id))
        await _waits(rig)
    assert [row["account_rows_delete"] for row in [*await second, *await rig.rows(step, account_id)]] == [8, 4]


async def test_rows_at_the_same_place_of_another_partition_stay(rig: Rig) -> None:
    await rig.rows("truncate done")
    for account_id, slot in ((1, 0), (2, 1), (1, 2)):
        await rig.rows("insert into done values ($1, 'test', 'key', '', 0, now(), $2)", account_id, slot)
    counts = [await rig.rows("select account_rows_delete('done', 1, 10) as rows") for _ in range(3)]
    assert [row["rows"] for (row,) in counts] == [1, 1, 0]
    assert [row["account_id"] for row in await rig.rows("select account_id from done")] == [2]


async def test_gateways_are_told_before_anything_goes(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    await rig.insert(message(account_id))
    async with revocations(terminal.environment["AMQP_URL"]) as queue, rig.locked(account_id):
        erasing = _erase(terminal, account_id)
        await _waits(rig)
        heard = orjson.loads((await queue.get(timeout=10)).body)
        assert heard == {"account_id": account_id, "application_id": None}
        assert (await rows_of(rig.url, account_id))["message"] == 1
        assert await terminal.value("select disabled from account where id = $1", account_id)
    assert (await asyncio.gather(erasing))[0]["message"] == 1


async def test_without_the_index_it_is_not_done(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    before = await rows_of(rig.url, account_id, NUMBER)
    erase = ("accounts", "erase", NUMBER, "--yes")
    away = terminal.run(*erase, SEARCH_BACKEND="opensearch", OPENSEARCH_URL="http://127.0.0.1:1")
    assert away.returncode == 1
    assert away.stderr.startswith("usermessage: the index did not do it: ")
    assert terminal.row("accounts", "show", NUMBER)["disabled"]
    terminal.row(*erase)
    assert await rows_of(rig.url, account_id, NUMBER) == _nothing(before)


def test_it_goes_on_without_a_broker(terminal: Terminal) -> None:
    account_id = terminal.account()
    erase = ("accounts", "erase", f"id:{account_id}", "--yes")
    done = terminal.run(*erase, AMQP_URL="amqp://guest:guest@127.0.0.1:1/")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: RabbitMQ is away")
    assert terminal.run("accounts", "show", f"id:{account_id}").returncode == 1


@contextmanager
def _program(terminal: Terminal, account_id: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run an erase as a program of its own."""
    with subprocess.Popen(
        (sys.executable, "-m", "services.cli", "accounts", "erase", f"id:{account_id}", "--yes"),
        cwd=ROOT, env={**os.environ, **terminal.environment}, stdout=subprocess.DEVNULL,
    ) as program:  # fmt: skip
        yield program
