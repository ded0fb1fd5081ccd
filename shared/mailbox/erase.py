"""The erase: a mailbox and everything in it goes, for ever."""

from pathlib import Path

from shared.postgres.erasing import erase_rows
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# What a mailbox holds besides its own row. Conversations go first: without them no read finds a message.
TABLES = ("conversation", "message", "device_departed", "device", "device_message", "done", "outbox")

_LOCK_SECONDS = 30.0


async def erase_mailbox(database: Database, account_id: int) -> dict[str, int]:
    """Erase an account's mailbox and return how many rows each table had of it.

    Its first step makes every later write be refused. Raises `DatabaseError`; another call then goes on with what is
    left.
    """
    queries = load_queries(Path(__file__).parent / "sql")
    found = await database.fetchval(queries["erase"], account_id, timeout=_LOCK_SECONDS)
    return {"mailbox": int(found)} | await erase_rows(database, TABLES, account_id)
