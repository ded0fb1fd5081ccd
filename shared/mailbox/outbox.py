"""The outbox: events written in the transaction of their cause, which wait there for the relay."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from shared.contract.events import Event, Fact
from shared.mailbox.floor import Floor
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_TAKE_EVENTS = 500
# With the relay's broker awaits in between.
_TAKE_SECONDS = 20.0


class Outbox:
    """The outbox of all accounts, as far as it holds these facts; several processes may take from it side by side."""

    def __init__(self, database: Database, facts: Collection[Fact]) -> None:
        self._database = database
        self._facts = sorted(facts)
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._floor = Floor()

    @asynccontextmanager
    async def taken(self, waiting_seconds: float) -> AsyncIterator[Sequence[Event]]:
        """Give some events, or none while the first one has waited for less than so long.

        They are gone when the block ends, and stay when it raises. Raises `DatabaseError`.
        """
        async with self._database.transaction(timeout=_TAKE_SECONDS) as connection:
            rows = await connection.fetch(
                self._queries["take_events"], self._facts, self._floor.start(), _TAKE_EVENTS, waiting_seconds
            )
            yield [Event(*tuple(row)[1:]) for row in rows]
        self._floor.took([row["id"] for row in rows], full=len(rows) == _TAKE_EVENTS)
