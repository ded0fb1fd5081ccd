"""A turn: who makes the index anew does so alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.settings import Settings

_SECONDS = 10.0


class NotOurTurn(Exception):  # noqa: N818 - it is what happened
    """Somebody else makes the index anew now."""


class Turn:
    """A lock that lasts as long as its connection, and so as long as its process at most."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = load_queries(Path(__file__).parent / "sql")["take_turn"]

    async def take(self) -> None:
        """Take it, or make sure that we still have it though the connection may be another one; else `NotOurTurn`."""
        if not await self._database.fetchval(self._query, timeout=_SECONDS):
            raise NotOurTurn


@asynccontextmanager
async def our_turn(settings: Settings) -> AsyncIterator[Turn]:
    """Give the turn, or raise `NotOurTurn`."""
    async with Database(settings.database_url, 1, name="search-rebuild") as database:
        turn = Turn(database)
        await turn.take()
        yield turn
