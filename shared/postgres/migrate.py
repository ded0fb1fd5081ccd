"""Bring the database's schema up to what this code needs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from shared.postgres.errors import DatabaseAway, DatabaseTimeout, LockTimeout, translated
from shared.postgres.migration_files import Migration, MigrationError, Phase, find_migrations, version_key
from shared.version import VERSION

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Any number will do as long as nobody else in this database takes it for an advisory lock.
_LOCK = 7_309_118
_CONNECT_SECONDS = 5.0
_TURN_SECONDS = 300.0
_RETRY_SECONDS = 0.3
# A change of a busy table gives way to running transactions and comes back, or all later ones would wait.
_LOCK_TIMEOUT = "3s"
_LOCK_ATTEMPTS = 10

_BOOK = """
create table if not exists migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
);
create table if not exists schema_state (
    only_row boolean primary key default true check (only_row),
    oldest_code text not null
);
insert into schema_state (oldest_code) values ('0') on conflict do nothing;
"""

_log = logging.getLogger(__name__)
_Connection = asyncpg.Connection


async def migrate(url: str, *, after: bool, folder: Path = MIGRATIONS, patience: float = 30.0) -> tuple[str, ...]:
    """Apply what is pending and return the names; `after` includes what must wait until no old code runs.

    A database without any migration gets all of them. `patience` is how many seconds a database that is
    starting may take. Raise `MigrationError` when an applied file changed, this code is too old, or an
    `after` comes first.
    """
    migrations = find_migrations(folder)
    async with _connected(url, patience) as connection:
        await connection.execute("select pg_advisory_lock($1)", _LOCK, timeout=_TURN_SECONDS)
        await connection.execute(_BOOK)
        await _require_code_not_too_old(connection)
        pending = _pending(migrations, await _applied(connection), after=after)
        for migration in pending:
            await _apply(connection, migration)
    return tuple(str(migration) for migration in pending)


async def oldest_code(connection: _Connection) -> str:
    """Return the oldest code version that may run on this schema, `0` for any."""
    return str(await connection.fetchval("select oldest_code from schema_state"))


async def _require_code_not_too_old(connection: _Connection) -> None:
    oldest = await oldest_code(connection)
    if version_key(VERSION) < version_key(oldest):
        raise MigrationError(f"this code is {VERSION}, but the schema needs {oldest} or newer")


async def _applied(connection: _Connection) -> Mapping[int, str]:
    rows = await connection.fetch("select number, checksum from migration")
    return {row["number"]: row["checksum"] for row in rows}


def _pending(migrations: Sequence[Migration], applied: Mapping[int, str], *, after: bool) -> Sequence[Migration]:
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(f"{migration} was changed after it had been applied")
    pending = [migration for migration in migrations if migration.number not in applied]
    if after or not applied:
        return pending
    waiting: set[int] = set()
    wanted: list[Migration] = []
    for migration in pending:
        if migration.phase is Phase.AFTER:
            waiting.add(migration.number)
        elif waiting <= migration.ahead_of:
            wanted.append(migration)
        else:
            raise MigrationError(
                f"{migration} comes behind one that is still due after the last deploy: use --after first"
            )
    return wanted


async def _apply(connection: _Connection, migration: Migration) -> None:
    for attempt in range(1, _LOCK_ATTEMPTS + 1):
        try:
            await _apply_once(connection, migration)
        except asyncpg.LockNotAvailableError as error:
            if attempt == _LOCK_ATTEMPTS:
                raise LockTimeout(f"{migration}: a table stayed locked") from error
            _log.info("%s gives way to running transactions", migration)
            await asyncio.sleep(attempt * _RETRY_SECONDS)
        else:
            return


async def _apply_once(connection: _Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into migration (number, name, checksum) values ($1, $2, $3)",
            migration.number, str(migration), migration.checksum,
        )  # fmt: skip
        if migration.oldest_code is not None:
            await connection.execute("update schema_state set oldest_code = $1", migration.oldest_code)


@asynccontextmanager
async def _connected(url: str, patience: float) -> AsyncIterator[_Connection]:
    connection = await _connect(url, patience)
    try:
        yield connection
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)


async def _connect(url: str, patience: float) -> _Connection:
    end = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await asyncpg.connect(url, timeout=_CONNECT_SECONDS, server_settings={"application_name": "migrate"})
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            ours = translated(error)
            if not isinstance(ours, DatabaseAway | DatabaseTimeout):
                raise
            if asyncio.get_running_loop().time() > end:
                raise ours from error
        await asyncio.sleep(_RETRY_SECONDS)
