"""Which of many numbers are those of accounts."""

from collections.abc import Collection

from services.accounts.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.postgres.restored import LONG_SECONDS, long_transaction


async def known_numbers(database: Database, numbers: Collection[str]) -> list[str]:
    """Return those of the numbers, all digits, that accounts have; raise `DatabaseError`."""
    async with long_transaction(database) as connection:
        rows = await connection.fetch(load_queries(SQL)["known_numbers"], numbers, timeout=LONG_SECONDS)
    return [row["msisdn"] for row in rows]
