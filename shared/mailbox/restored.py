"""After a restore: a database that came back from a backup gives no number again that the lost one gave."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.postgres.restored import LONG_SECONDS, long_transaction

# More than any mailbox gets between two backups.
GAP = 1_000_000
_MAILBOXES = 100
_LOCK = "select mailbox_lock($1::bigint[], false)"


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
        rows = await self._database.fetch(self._queries["next_mailboxes"], behind, _MAILBOXES, timeout=LONG_SECONDS)
        return [row["account_id"] for row in rows]

    async def _advance(self, account_ids: Sequence[int]) -> int:
        async with long_transaction(self._database) as connection:
            await connection.execute(_LOCK, account_ids, timeout=LONG_SECONDS)
            await connection.execute(self._queries["advance"], account_ids, GAP, timeout=LONG_SECONDS)
            query = self._queries["tell_devices_anew"]
            return int(await connection.fetchval(query, account_ids, timeout=LONG_SECONDS))
