"""After a restore: what was due at the time of the backup may have been sent since."""

from collections.abc import Mapping

from services.delivery.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# A table of jobs may be large.
_SECONDS = 3600.0
_UNBOUNDED = "set local statement_timeout = '1h'"


async def restored_deliveries(database: Database, *, send_again: bool) -> Mapping[str, object]:
    """Call jobs otherwise to carriers, and unless `send_again` give them nothing that was due before now.

    Returns the new name, and how many texts carriers do not get. Raises `DatabaseError`.
    """
    queries = load_queries(SQL)
    async with database.transaction(timeout=_SECONDS) as connection:
        await connection.execute(_UNBOUNDED)
        name = await connection.fetchval(queries["rename_installation"], timeout=_SECONDS)
        if send_again:
            return {"name": name, "not_sent": 0}
        await connection.execute(queries["restore_sends"], timeout=_SECONDS)
        return {"name": name, "not_sent": await connection.fetchval(queries["restore_jobs"], timeout=_SECONDS)}
