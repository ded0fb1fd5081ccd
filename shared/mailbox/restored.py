"""After a restore: a database that came back from a backup gives no number again that the lost one gave."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# More than any mailbox gets between two backups.
GAP = 1_000_000
_MAILBOXES = 100
_LOCK = "select mailbox_lock($1::bigint[], false)"
# A hundred mailboxes may have tens of millions of rows that tell what devices have.
_SECONDS = 3600.0
_UNBOUNDED = "set local statement_timeout = '1h'"


class RestoredMailboxes:
    """Takes mailboxes past what was lost; everything raises `DatabaseError`, and may be done again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def advance(self) -> Mapping[str, int]:
        """Do it for all mailboxes; return how many there are, and how many messages devices will be told anew."""
        mailboxes = messages = 0
        behind = 0
        while account_ids := await self._next(behind):
            messages += await self._advance(account_ids)
            mailboxes += len(account_ids)
            behind = account_ids[-1]
        return {"mailboxes": mailboxes, "told_anew": messages}

    async def _next(self, behind: int) -> Sequence[int]:
        rows = await self._database.fetch(self._queries["next_mailboxes"], behind, _MAILBOXES, timeout=_SECONDS)
        return [row["account_id"] for row in rows]

    async def _advance(self, account_ids: Sequence[int]) -> int:
        async with self._database.transaction(timeout=_SECONDS) as connection:
            await connection.execute(_UNBOUNDED)
            await connection.execute(_LOCK, account_ids, timeout=_SECONDS)
            await connection.execute(self._queries["advance"], account_ids, GAP, timeout=_SECONDS)
            return int(await connection.fetchval(self._queries["tell_devices_anew"], account_ids, timeout=_SECONDS))
