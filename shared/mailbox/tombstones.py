"""Tombstones: deleted messages are kept until each device that may have them has acked their end."""

import time
from pathlib import Path

from shared.metrics import mailbox as metrics
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# Nobody waits for them to go: a pass that meets a million others, kept for a device that is away, takes 20 s.
_PASS_SECONDS = 3600.0
_SLICE = 1000
_LEAST_PAUSE_SECONDS = 0.05
_SECONDS = 10.0


class Tombstones:
    """Goes through all tombstones again and again; several processes may do so side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._behind = (0, 0)

    async def round(self) -> float:
        """Look at some tombstones and return the seconds until the next ones; raise `DatabaseError`."""
        began = time.monotonic()
        query = self._queries["tombstones_behind"]
        rows = await self._database.fetch(query, *self._behind, _SLICE, timeout=_SECONDS)
        last = len(rows) < _SLICE
        self._behind = (0, 0) if last else (rows[-1]["account_id"], rows[-1]["change_seq"])
        free = [(row["account_id"], row["message_id"]) for row in rows if not row["waited_for"]]
        if free:
            columns = zip(*free, strict=True)
            query = self._queries["remove_tombstones"]
            metrics.removed_tombstones(await self._database.fetchval(query, *columns, timeout=_SECONDS))
        return _PASS_SECONDS if last else max(time.monotonic() - began, _LEAST_PAUSE_SECONDS)
