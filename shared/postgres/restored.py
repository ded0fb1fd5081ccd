"""After a restore: numbers of sequences that the lost database gave are given to nobody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.postgres.pool import Connection, Database

_ADVANCE = """
select count(setval(format('%I.%I', schemaname, sequencename)::regclass, last_value + $1::bigint))
from pg_sequences where schemaname = current_schema() and last_value is not null
"""
# Each process says its role at its connections, some with a word behind it.
_CONNECTED = """
select distinct split_part(application_name, '-', 1) as role from pg_stat_activity
where datname = current_database() and split_part(application_name, '-', 1) = any ($1::text[])
order by role
"""
_SECONDS = 30.0
# A table may have tens of millions of rows to look at.
LONG_SECONDS = 3600.0


@asynccontextmanager
async def long_transaction(database: Database) -> AsyncIterator[Connection]:
    """Begin a transaction whose statements may take an hour each."""
    async with database.transaction(timeout=LONG_SECONDS) as connection:
        await connection.execute("set local statement_timeout = '1h'")
        yield connection


async def advance_sequences(database: Database, gap: int) -> int:
    """Take every sequence past what was lost; return how many there are."""
    return int(await database.fetchval(_ADVANCE, gap, timeout=_SECONDS))


async def connected_roles(database: Database, roles: list[str]) -> list[str]:
    """Return those of the roles that are connected to this database now."""
    return [row["role"] for row in await database.fetch(_CONNECTED, roles, timeout=_SECONDS)]
