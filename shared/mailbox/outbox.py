"""The outbox: events written in the transaction of their cause, which wait there for the relay."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from shared import metrics
from shared.contract.events import Event, Fact
from shared.mailbox.floor import Floor
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_TAKE_EVENTS = 500
_MOST_COUNTED = 100_000
_MEASURE_SECONDS = 5.0
_STATE_SECONDS = 5.0
# With the relay's broker awaits in between.
_TAKE_SECONDS = 20.0


class Outbox:
    """The outbox of all accounts; several processes may take from it side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._floor = Floor()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Sequence[Event]]:
        """Give some events; they are gone when the block ends, and stay when it raises. Raises `DatabaseError`."""
        async with self._database.transaction(timeout=_TAKE_SECONDS) as connection:
            rows = await connection.fetch(self._queries["take_events"], self._floor.start(), list(Fact), _TAKE_EVENTS)
            yield [Event(*tuple(row)[1:]) for row in rows]
        self._floor.took([row["id"] for row in rows], full=len(rows) == _TAKE_EVENTS)

    async def state(self) -> tuple[int, float]:
        """Return how many events wait, up to 100,000, and the age of the oldest in seconds; raise `DatabaseError`."""
        row = await self._database.fetchrow(self._queries["outbox_state"], _MOST_COUNTED, timeout=_STATE_SECONDS)
        if row is None:
            raise RuntimeError("a statement without a condition gives a row")
        return row["events"], row["seconds"]

    async def measure(self) -> float:
        """Tell the metrics; return the seconds until it is worth doing again."""
        metrics.outbox(*await self.state())
        return _MEASURE_SECONDS
