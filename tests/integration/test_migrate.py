"""Migrations on a real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.servers import Servers
from shared.postgres.errors import DatabaseAway
from shared.postgres.migrate import migrate, oldest_code
from shared.postgres.migration_files import MigrationError
from tests.integration.fresh_database import fresh_database


@pytest.fixture
async def url(servers: Servers) -> AsyncIterator[str]:
    async with fresh_database(servers) as url:
        yield url


def write(folder: Path, name: str, sql: str) -> None:
    (folder / f"{name}.sql").write_text(sql)


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_the_own_migrations_apply_once(url: str) -> None:
    applied = await migrate(url, after=False)
    assert applied[0] == "0001_accounts.before"
    assert await migrate(url, after=True) == ()
    assert await value(url, "select count(*) from migration") == len(applied)


async def test_two_at_once_apply_each_migration_once(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_slow.before", "select pg_sleep(0.3); create table once (x int)")
    both = await asyncio.gather(*(migrate(url, after=False, folder=tmp_path) for _ in range(2)))
    assert sorted(both) == [(), ("0001_slow.before",)]


async def test_a_failing_migration_leaves_nothing_of_itself(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_good.before", "create table good (x int)")
    write(tmp_path, "0002_bad.before", "create table bad (x int); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(url, after=False, folder=tmp_path)
    assert await value(url, "select to_regclass('good') is not null and to_regclass('bad') is null")
    write(tmp_path, "0002_bad.before", "create table bad (x int)")
    assert await migrate(url, after=False, folder=tmp_path) == ("0002_bad.before",)


async def test_a_changed_file_is_refused(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.before", "create table a (x int)")
    await migrate(url, after=False, folder=tmp_path)
    write(tmp_path, "0001_a.before", "create table a (x bigint)")
    write(tmp_path, "0002_b.before", "create table b (x int)")
    with pytest.raises(MigrationError, match=r"0001_a\.before was changed"):
        await migrate(url, after=False, folder=tmp_path)
    assert await value(url, "select to_regclass('b') is null")


async def test_after_waits_for_its_word_unless_the_database_is_empty(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.before", "create table a (x int)")
    write(tmp_path, "0002_b.after", "alter table a add y int")
    assert len(await migrate(url, after=False, folder=tmp_path)) == 2
    write(tmp_path, "0003_c.before", "create table c (x int)")
    write(tmp_path, "0004_d.after", "drop table a")
    assert await migrate(url, after=False, folder=tmp_path) == ("0003_c.before",)
    write(tmp_path, "0005_e.before", "create table e (x int)")
    with pytest.raises(MigrationError, match="use --after first"):
        await migrate(url, after=False, folder=tmp_path)
    assert await migrate(url, after=True, folder=tmp_path) == ("0004_d.after", "0005_e.before")


async def test_a_migration_may_go_ahead_of_one_that_waits(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.before", "create table a (x int)")
    await migrate(url, after=False, folder=tmp_path)
    write(tmp_path, "0002_b.after", "drop table a")
    write(tmp_path, "0003_c.before", "-- ahead-of: 0002\ncreate table c (x int)")
    write(tmp_path, "0004_d.after", "drop table c")
    write(tmp_path, "0005_e.before", "-- ahead-of: 0002\ncreate table e (x int)")
    with pytest.raises(MigrationError, match=r"0005_e\.before comes behind"):
        await migrate(url, after=False, folder=tmp_path)
    write(tmp_path, "0005_e.before", "-- ahead-of: 0002, 0004\ncreate table e (x int)")
    assert await migrate(url, after=False, folder=tmp_path) == ("0003_c.before", "0005_e.before")
    assert await migrate(url, after=True, folder=tmp_path) == ("0002_b.after", "0004_d.after")


async def test_code_that_is_too_old_for_the_schema_is_refused(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.after", "-- oldest-code: 999.0.0\ncreate table a (x int)")
    await migrate(url, after=True, folder=tmp_path)
    connection = await asyncpg.connect(url)
    assert await oldest_code(connection) == "999.0.0"
    await connection.close()
    with pytest.raises(MigrationError, match=r"needs 999\.0\.0"):
        await migrate(url, after=True, folder=tmp_path)


async def test_a_locked_table_delays_a_migration_but_does_not_fail_it(url: str, tmp_path: Path) -> None:
    write(tmp_path, "0001_a.before", "create table a (x int)")
    await migrate(url, after=False, folder=tmp_path)
    write(tmp_path, "0002_b.before", "alter table a add y int")
    holder = await asyncpg.connect(url)
    held = holder.transaction()
    await held.start()
    await holder.execute("insert into a values (1)")
    migration = asyncio.create_task(migrate(url, after=False, folder=tmp_path))
    await asyncio.sleep(4)
    assert not migration.done()
    await held.commit()
    await holder.close()
    assert await asyncio.wait_for(migration, 10) == ("0002_b.before",)


async def test_a_database_that_stays_away_is_reported() -> None:
    with pytest.raises(DatabaseAway):
        await migrate("postgresql://usermessage@127.0.0.1:1/usermessage", after=False, patience=0.5)
