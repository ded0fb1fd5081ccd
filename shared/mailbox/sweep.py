"""The sweep: answers under keys that no longer count are thrown away by the day."""

from pathlib import Path

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_HOUR_SECONDS = 3600.0
_SWEEP_SECONDS = 10.0
_DAYS_AHEAD = (1, 2)
# A day's table that somebody reads is not waited for any longer: whoever comes next would wait behind us.
_LOCK_TIMEOUT = "set local lock_timeout = '1s'"


class Sweep:
    """Empties the days of `done` that are to come, which hold only what is long over."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def round(self) -> float:
        """Empty them and return the seconds until the next time; raise `DatabaseError`."""
        for days_ahead in _DAYS_AHEAD:
            async with self._database.transaction(timeout=_SWEEP_SECONDS) as connection:
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(self._queries["sweep"], days_ahead)
        return _HOUR_SECONDS
