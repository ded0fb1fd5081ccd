"""After a restore: what was due at the time of the backup may have been sent since."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeAlias

from services.delivery.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.postgres.restored import LONG_SECONDS, long_transaction

# Returns those of the numbers that accounts have, which are another role's.
KnownNumbers: TypeAlias = Callable[[Database, Collection[str]], Awaitable[Collection[str]]]


async def restored_deliveries(
    database: Database, known_numbers: KnownNumbers, *, send_again: bool
) -> Mapping[str, object]:
    """Call jobs otherwise to carriers, and unless `send_again` give them nothing that was due before now.

    Returns the new name, and how many texts carriers do not get. Raises `DatabaseError`.
    """
    name = await _run(database, load_queries(SQL)["rename_installation"])
    return {"name": name, "not_sent": 0 if send_again else await _held_back(database, known_numbers)}


async def _held_back(database: Database, known_numbers: KnownNumbers) -> int:
    queries = load_queries(SQL)
    await _run(database, queries["restore_sends"])
    recipients = await _run(database, queries["restore_recipients"]) or []
    accounts = await known_numbers(database, recipients)
    return int(await _run(database, queries["restore_jobs"], accounts))


async def _run(database: Database, query: str, *arguments: object) -> Any:
    async with long_transaction(database) as connection:
        return await connection.fetchval(query, *arguments, timeout=LONG_SECONDS)
