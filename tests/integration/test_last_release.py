"""The last release and this code side by side: what it left on the wire and in the database goes on working."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest

from deploy.local.commands import usermessage
from shared.bus.envelope import Reply, unpack_commands, unpack_replies
from shared.bus.events import is_known, unpack_events
from shared.contract import dates
from shared.postgres.migrate import MIGRATIONS, migrate, oldest_code
from shared.postgres.migration_files import Phase, find_migrations
from shared.version import VERSION
from tests.apart import place_of_its_own
from tests.integration.fresh_database import fresh_database
from tests.release import recording
from tests.reliability.client import Client
from tests.running import Account, Stack
from tests.servers import Servers

RELEASES = sorted(recording.FOLDER.glob("*.json"))
LAST: dict[str, Any] = json.loads(RELEASES[-1].read_text())
# What a caller sees of the schema: functions with what they take and give, tables with their columns.
_OBJECTS = """
select format('%s(%s) %s', proname, pg_get_function_identity_arguments(oid), pg_get_function_result(oid)) as name
from pg_proc where pronamespace = 'public'::regnamespace
union all
select format('%s.%s %s', table_name, column_name, data_type) from information_schema.columns
where table_schema = 'public'
"""
_TAKE_JOB = "delete from delivery_job where (account_id, message_id) = ($1, $2) returning true"
_IS_DONE = "select state = 'done' from delivery_job where (account_id, message_id) = ($1, $2)"
# The device of the recording is nobody's.
_UNUSED = {"message.sync": 105, "device.update": 105, "device.client_delete": 105}


async def _as_released(url: str, folder: Path) -> None:
    """Bring an empty database to the schema of the last release, whose files stand here unchanged."""
    released = [one for one in find_migrations(MIGRATIONS) if str(one) in LAST["migrations"]]
    assert {str(one): one.checksum for one in released} == LAST["migrations"]
    for one in released:
        name = f"{one}.sql"
        (folder / name).write_bytes((MIGRATIONS / name).read_bytes())
    await migrate(url, after=True, folder=folder)


async def _objects(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row["name"] for row in await connection.fetch(_OBJECTS)}
    finally:
        await connection.close()


async def test_the_schema_before_a_deploy_has_all_that_the_last_release_uses(servers: Servers, tmp_path: Path) -> None:
    async with fresh_database(servers) as url:
        await _as_released(url, tmp_path)
        released = await _objects(url)
        applied = await migrate(url, after=False)
        due = [one for one in find_migrations(MIGRATIONS) if str(one) not in LAST["migrations"]]
        assert applied == tuple(str(one) for one in due if one.phase is Phase.BEFORE)
        assert released - await _objects(url) == set()


def test_the_wire_of_today_is_what_the_last_release_reads() -> None:
    today = recording.recorded()
    assert {name: today["queues"].get(name) for name in LAST["queues"]} == LAST["queues"]
    assert {*LAST["event_queues"]} <= {*today["event_queues"]}
    for name, text in LAST["commands"].items():
        (then,), (now,) = (json.loads(each)["commands"] for each in (text, today["commands"][name]))
        # Lists may grow at their end and requests by keys: what was there before is there as it was.
        assert [then[:7], then[8:]] == [now[:7], now[8 : len(then)]]
        assert then[7].items() <= now[7].items(), name


def test_replies_and_events_of_the_last_release_are_read() -> None:
    assert unpack_replies(LAST["replies"].encode()) == list(recording.REPLIES)
    events = unpack_events(LAST["events"].encode())
    assert all(is_known(event) for event in events)
    assert events == list(recording.EVENTS[: len(events)])


async def test_commands_of_the_last_release_are_answered(stack: Stack) -> None:
    account = await stack.account()
    connection = await aio_pika.connect(stack.servers.rabbitmq.url)
    async with connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        codes = {}
        for name, text in LAST["commands"].items():
            body = _made_to_fit(text, account, stack)
            assert unpack_commands(body)[0].identity.account_id == account.account_id
            message = aio_pika.Message(body, reply_to=replies.name)
            await channel.default_exchange.publish(message, LAST["queues"][name])
            codes[name] = (await _replied(replies)).code
    assert codes == {name: _UNUSED.get(name, 0) for name in codes}


def _made_to_fit(text: str, account: Account, stack: Stack) -> bytes:
    for recorded, real in (
        (recording.API_KEY, stack.api_key),
        (recording.AUTH_TOKEN, account.auth_token),
        (recording.PASSWORD, account.password),
        (recording.ACCOUNT, account.account_id),
        (recording.APPLICATION, stack.api_key_id),
        (recording.NUMBER, account.msisdn),
    ):
        text = text.replace(str(recorded), str(real))
    return text.encode()


async def _replied(replies: aio_pika.abc.AbstractQueue) -> Reply:
    """Wait for the one final reply to what was sent."""
    async with asyncio.timeout(20):
        while True:
            message = await replies.get(no_ack=True, fail=False)
            final = [reply for reply in unpack_replies(message.body) if reply.code >= 0] if message else []
            if final:
                return final[0]
            await asyncio.sleep(0.02)


@pytest.fixture
async def place(servers: Servers, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Yield a place whose database was brought up to date by the last release."""
    (tmp_path / "released").mkdir()
    async with place_of_its_own(servers) as settings:
        await _as_released(settings["DATABASE_URL"], tmp_path / "released")
        yield {**settings}


@pytest.fixture
def updated(servers: Servers, place: dict[str, str], tmp_path: Path) -> Iterator[Stack]:
    """Yield this code on that database, of which only what comes before a deploy was migrated."""
    stack = Stack(servers, tmp_path / "roles", place)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


async def test_an_update_step_by_step(updated: Stack, place: dict[str, str]) -> None:
    account = await updated.account()
    connection = await asyncpg.connect(place["DATABASE_URL"])
    assert await oldest_code(connection) != VERSION
    message_id = await _send(updated, account, dateSendOn=dates.to_xml(dates.now() + 3_600_000))
    # As a worker of the last release keeps what is due later, while the first of this code are there already.
    await _until(connection, _TAKE_JOB, account.account_id, message_id)
    await connection.execute("insert into delivery_waiting values ($1, $2, 0)", account.account_id, message_id)
    await asyncio.to_thread(usermessage, updated.settings_env, "migrate", "--after")
    assert await oldest_code(connection) == "0.4.0"
    await _until(connection, _IS_DONE, account.account_id, message_id)
    await connection.close()
    assert await _send(updated, account) > message_id


async def _until(connection: asyncpg.Connection, query: str, *arguments: object) -> None:
    """Ask until the answer is true."""
    async with asyncio.timeout(60):
        while not await connection.fetchval(query, *arguments):  # noqa: ASYNC110 - other processes make it so
            await asyncio.sleep(0.1)


async def _send(stack: Stack, account: Account, **fields: Any) -> int:
    async with Client(stack.base_url, stack.api_key) as client:
        answer = await client.call(account, "/user/message/send", recipient=436_990_900_009, message="sent", **fields)
        assert answer["errorCode"] == 0
        return int(answer["messageId"])
