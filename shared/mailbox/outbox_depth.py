"""The depth of the outbox: how much waits there, and for how long."""

from pathlib import Path

from shared.metrics import outbox
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_MOST_COUNTED = 100_000
_MEASURE_SECONDS = 5.0
_STATE_SECONDS = 5.0


class OutboxDepth:
    """Looks at the outbox of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def state(self) -> tuple[int, float]:
        """Return how many events wait, up to 100,000, and the age of the oldest in seconds; raise `DatabaseError`."""
        row = await self._database.fetchrow(self._queries["outbox_state"], _MOST_COUNTED, timeout=_STATE_SECONDS)
        if row is None:
            raise RuntimeError("a statement without a condition gives a row")
        return row["events"], row["seconds"]

    async def measure(self) -> float:
        """Tell the metrics; return the seconds until it is worth doing again."""
        outbox.waiting(*await self.state())
        return _MEASURE_SECONDS
