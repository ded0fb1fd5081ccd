"""Tidying: of a message that is gone the index forgets after an hour that it was there."""

from pathlib import Path

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_ROWS = 1000
_SECONDS = 10.0
_IDLE_SECONDS = 60.0
_BUSY_SECONDS = 0.05


class Tidying:
    """Removes what is left of such messages; several processes may do so side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def round(self) -> float:
        """Remove some and return the seconds until the next round; raises `DatabaseError`."""
        removed = await self._database.fetch(self._queries["tidy"], _ROWS, timeout=_SECONDS)
        return _BUSY_SECONDS if len(removed) == _ROWS else _IDLE_SECONDS
