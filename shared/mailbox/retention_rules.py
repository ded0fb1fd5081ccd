"""After how many days an account's messages go."""

from pathlib import Path
from typing import Any, NamedTuple

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_SECONDS = 30.0


class Rule(NamedTuple):
    """An account's days, its own or none, and those that count, 0 for never; `before` is their date, ms since 1970."""

    own_days: int | None
    days: int
    before: int | None


class RetentionRules:
    """The days of accounts, and of those that have none of their own; everything raises `DatabaseError`."""

    def __init__(self, database: Database, default_days: int) -> None:
        self._database = database
        self._default_days = default_days
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def of(self, account_id: int) -> Rule:
        """Return what counts for an account, which need not have a mailbox yet."""
        query = self._queries["retention_of"]
        (row,) = await self._database.fetch(query, account_id, self._default_days, timeout=_SECONDS)
        return Rule(*row)

    async def set(self, account_id: int, days: int | None) -> None:
        """Give an account days of its own, 0 for never, none for those of all others; waits for its mailbox."""
        await self._database.fetch(self._queries["set_retention"], account_id, days, timeout=_SECONDS)

    async def state(self) -> dict[str, Any]:
        """Return how many accounts have days of their own, and when a pass ended last, in ms since 1970."""
        (row,) = await self._database.fetch(self._queries["retention_state"], timeout=_SECONDS)
        return dict(row)
