"""`usermessage sending`: stop and start."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.integration.terminal import Terminal

_COUNT = """
select count(*) from delivery_refusals(0, array[1::bigint], '{1}', '{2}', '{1}', '{f}', '{}', '{}')
where reason = 'stopped'
"""


@pytest.fixture
async def database(terminal: Terminal) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(terminal.environment["DATABASE_URL"])
    yield connection
    await connection.execute("delete from delivery_stop")
    await connection.close()


async def test_a_stop_holds_until_the_start(terminal: Terminal, database: asyncpg.Connection) -> None:
    assert terminal.row("sending", "show") == {"sending": True}
    stopped = terminal.row("sending", "stop", "--reason", "a test")
    assert (stopped["sending"], stopped["reason"]) == (False, "a test")
    assert await database.fetchval(_COUNT) == 1
    assert terminal.row("sending", "stop", "--reason", "another") == stopped
    assert terminal.row("sending", "show") == stopped
    assert terminal.row("sending", "start") == {"sending": True}
    assert await database.fetchval(_COUNT) == 0


def test_what_was_not_stopped_cannot_start(terminal: Terminal) -> None:
    done = terminal.run("sending", "start")
    assert (done.returncode, done.stderr) == (1, "usermessage: sending was not stopped\n")
