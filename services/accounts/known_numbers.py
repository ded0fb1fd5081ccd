"""Which of many numbers are those of accounts."""

from collections.abc import Collection

from services.accounts.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_SECONDS = 60.0


async def known_numbers(database: Database, numbers: Collection[str]) -> list[str]:
    """Return those of the numbers, all digits, that accounts have; raise `DatabaseError`."""
    rows = await database.fetch(load_queries(SQL)["known_numbers"], numbers, timeout=_SECONDS)
    return [row["msisdn"] for row in rows]
