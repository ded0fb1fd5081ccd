"""`usermessage devices` on a real database."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.servers import Servers
from tests.integration.fresh_database import fresh_database
from tests.integration.terminal import NUMBER, Terminal

_INSERT = """
insert into device (
  account_id, os, can_send_sms, can_receive_call, can_initiate_call, push_registration_id, message_history_limit,
  created_at, synced_at
) values ($1, 2, true, false, false, 'secret push id', 100, 1367947813123, $2) returning device_id
"""


@pytest.fixture(scope="module")
async def terminal(servers: Servers) -> AsyncIterator[Terminal]:
    async with fresh_database(servers) as url:
        terminal = Terminal({"DATABASE_URL": url, "AMQP_URL": servers.rabbitmq.url})
        assert terminal.run("migrate").returncode == 0
        yield terminal


@pytest.fixture
async def account(terminal: Terminal) -> int:
    await terminal.value("truncate account, device cascade")
    return terminal.account()


async def test_devices_are_listed_without_what_they_push_with(terminal: Terminal, account: int) -> None:
    assert terminal.rows("devices", "list", f"+{NUMBER}") == []
    never = await terminal.value(_INSERT, account, None)
    synced = await terminal.value(_INSERT, account, 1_367_947_814_000)
    await terminal.value(_INSERT, account + 1, None)
    first, second = terminal.rows("devices", "list", f"id:{account}")
    assert first == {
        "device_id": never, "os": 2, "can_send_sms": True, "can_receive_call": False, "can_initiate_call": False,
        "message_history_limit": 100, "created_at": "2013-05-07T17:30:13.123Z", "synced_at": None,
    }  # fmt: skip
    assert second == first | {"device_id": synced, "synced_at": "2013-05-07T17:30:14.000Z"}
    assert str(synced) in terminal.run("devices", "list", NUMBER).stdout


async def test_a_device_is_deleted(terminal: Terminal, account: int) -> None:
    device = await terminal.value(_INSERT, account, None)
    kept = await terminal.value(_INSERT, account, None)
    assert terminal.row("devices", "delete", NUMBER, str(device)) == {"account_id": account, "deleted": device}
    assert [row["device_id"] for row in terminal.rows("devices", "list", NUMBER)] == [kept]
    assert terminal.run("devices", "delete", NUMBER, str(device)).returncode == 1


async def test_what_is_not_there_is_exit_code_1_and_wrong_usage_2(terminal: Terminal, account: int) -> None:
    foreign = await terminal.value(_INSERT, account + 1, None)
    for arguments in (("list", "+436990009999"), ("list", "nobody"), ("delete", NUMBER, str(foreign)),
                      ("delete", "id:999999", str(foreign))):  # fmt: skip
        done = terminal.run("devices", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("usermessage: ")
    for wrong in (("delete", NUMBER), ("delete", NUMBER, "x"), ("list",), ("erase",)):
        assert terminal.run("devices", *wrong).returncode == 2
    assert await terminal.value("select count(*) from device where device_id = $1", foreign) == 1


async def test_a_mailbox_in_use_is_waited_for(terminal: Terminal, account: int) -> None:
    device = await terminal.value(_INSERT, account, None)
    await terminal.value("insert into mailbox (account_id) values ($1)", account)
    connection = await asyncpg.connect(terminal.environment["DATABASE_URL"])
    try:
        async with connection.transaction():
            await connection.fetch("select from mailbox where account_id = $1 for update", account)
            deletion = asyncio.create_task(asyncio.to_thread(terminal.row, "devices", "delete", NUMBER, str(device)))
            await asyncio.sleep(0.5)
            assert not deletion.done()
        assert (await deletion)["deleted"] == device
    finally:
        await connection.close()
