"""The pool: time limits, a database that leaves, and connections that are good again afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from deploy.local.servers import Servers
from shared.postgres.errors import DatabaseAway, DatabaseError, DatabaseTimeout, LockTimeout
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database
from tests.reliability.proxy import Proxy


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with fresh_database(servers) as url, Database(url, 2, name="test") as database:
        await database.fetch("create table counted (number integer)", timeout=5)
        yield database


async def lock_impatiently(database: Database) -> None:
    async with database.transaction(timeout=5) as connection:
        await connection.execute("set local lock_timeout = '100ms'")
        await connection.execute("select number from counted for update")


async def ask_in_the_dark(database: Database, proxy: Proxy, dark: ExitStack) -> None:
    """Begin a transaction, then let the network swallow its statement, and stay dark until `dark` is left."""
    async with database.transaction(timeout=1) as connection:
        dark.enter_context(proxy.dark())
        await connection.fetchval("select 2")


async def count(database: Database) -> int:
    return int(await database.fetchval("select count(*) from counted", timeout=5))


async def test_a_statement_that_takes_too_long_ends_on_the_server_too(database: Database) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseTimeout):
        await database.fetchval("select pg_sleep(20)", timeout=0.2)
    assert time.monotonic() - began < 2
    left = "select count(*) from pg_stat_activity where query like 'select pg_sleep(20)%' and state = 'active'"
    assert await database.fetchval(left, timeout=1) == 0


async def test_waiting_for_a_connection_counts(database: Database) -> None:
    sleepers = [asyncio.create_task(database.fetch("select pg_sleep(1)", timeout=5)) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(DatabaseTimeout):
        await database.fetchval("select 1", timeout=0.2)
    await asyncio.gather(*sleepers)
    assert await database.fetchval("select 1", timeout=1) == 1


async def test_a_transaction_commits_at_its_end(database: Database) -> None:
    async with database.transaction(timeout=5) as connection:
        await connection.execute("insert into counted values (1)")
        assert await count(database) == 0
    assert await count(database) == 1


async def test_a_transaction_rolls_back_on_an_error_of_its_block(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction(timeout=5) as connection:
            await connection.execute("insert into counted values (1)")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await count(database) == 0


async def test_a_transaction_that_takes_too_long_rolls_back(database: Database) -> None:
    async def dawdle() -> None:
        async with database.transaction(timeout=0.3) as connection:
            await connection.execute("insert into counted values (1)")
            await asyncio.sleep(5)

    with pytest.raises(DatabaseTimeout):
        await dawdle()
    assert await count(database) == 0


async def test_cancelled_uses_leave_good_connections(database: Database) -> None:
    uses = [asyncio.create_task(database.fetch("select pg_sleep(9)", timeout=20)) for _ in range(5)]
    await asyncio.sleep(0.2)
    for use in uses:
        use.cancel()
    ends = await asyncio.gather(*uses, return_exceptions=True)
    assert {type(end) for end in ends} == {asyncio.CancelledError}
    assert [await database.fetchval("select 1", timeout=1) for _ in range(4)] == [1, 1, 1, 1]


async def test_a_row_that_stays_locked_is_told_apart(database: Database) -> None:
    await database.fetch("insert into counted values (1)", timeout=5)
    async with database.transaction(timeout=5) as holder:
        await holder.execute("select number from counted for update")
        with pytest.raises(LockTimeout):
            await lock_impatiently(database)


async def test_a_mistake_in_a_statement_stays_what_it_is(database: Database) -> None:
    with pytest.raises(Exception, match="division by zero") as caught:
        await database.fetchval("select 1 / 0", timeout=5)
    assert not isinstance(caught.value, DatabaseError)


async def test_a_read_only_database_fails_the_probe_and_writes(servers: Servers) -> None:
    async with fresh_database(servers) as url, Database(url, 2, name="test") as database:
        await database.probe()
        await database.fetch("create table t (x int)", timeout=5)
        name = await database.fetchval("select current_database()", timeout=5)
        await database.fetch(f"alter database {name} set default_transaction_read_only = on", timeout=5)
        # The open connection does not know yet; a new one, as after a failover, does.
        async with Database(url, 1, name="later") as later:
            with pytest.raises(DatabaseAway):
                await later.probe()
            with pytest.raises(DatabaseAway):
                await later.fetch("insert into t values (1)", timeout=5)


async def test_a_database_that_is_away_is_an_error_at_once_and_good_again_on_its_return(
    servers: Servers,
) -> None:
    async with Database(servers.postgres.url, 2, name="test") as database:
        await database.probe()
        sleeper = asyncio.create_task(database.fetch("select pg_sleep(30)", timeout=20))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(servers.postgres.kill)
        try:
            with pytest.raises(DatabaseAway):
                await sleeper
            with pytest.raises(DatabaseAway):
                await database.fetchval("select 1", timeout=2)
        finally:
            await asyncio.to_thread(servers.postgres.start)
        assert await database.fetchval("select 1", timeout=5) == 1


async def test_opening_needs_no_database() -> None:
    async with Database("postgresql://usermessage@127.0.0.1:1/usermessage", 2, name="test") as database:
        with pytest.raises(DatabaseAway):
            await database.probe()


async def test_a_transaction_in_the_dark_ends_with_its_time(servers: Servers) -> None:
    port = servers.postgres.port
    async with fresh_database(servers) as url, Proxy(port) as proxy:
        through = url.replace(f":{port}", f":{proxy.port}")
        async with Database(through, 1, name="test") as database:
            await database.fetchval("select 1", timeout=5)
            began = time.monotonic()
            with ExitStack() as dark, pytest.raises(DatabaseTimeout):
                await ask_in_the_dark(database, proxy, dark)
            assert time.monotonic() - began < 10
            assert await database.fetchval("select 3", timeout=5) == 3
