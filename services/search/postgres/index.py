"""The index of an installation that searches with Postgres: a table beside the mailboxes."""

# ruff: noqa: ASYNC109 - every use must name its time limit, and one call is one statement

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.search.index import Document, Gone, Hit, Renewal, Version, Wanted
from services.search.postgres.needles import needles, tsquery
from services.search.postgres.tidying import Tidying
from services.search.query import Query
from shared.mailbox.upkeep import Upkeep
from shared.postgres.erasing import erase_rows
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.settings import Settings

TABLES = ("search_document",)
_NEWEST = Hit(2**63 - 1, 2**31 - 1)


class PostgresIndex:
    """An `Index`; Postgres that is away is a `DatabaseError`, which is an `Away`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def write(self, changes: Sequence[Document | Gone], *, timeout: float) -> None:
        """Take changes, no two of one message; an older `change_seq` never overwrites a newer one."""
        if changes:
            columns = zip(*map(_row, changes), strict=True)
            await self._database.fetch(self._queries["write"], *columns, timeout=timeout)

    def is_exact(self, query: Query) -> bool:  # noqa: ARG002 - it is of any query
        """Whether everything that it finds for a query matches."""
        return True

    async def find(self, wanted: Wanted, after: Hit | None, most: int, *, timeout: float) -> list[Hit]:
        """Return at most so many messages behind `after`, newest first."""
        query = wanted.query
        behind = _NEWEST if after is None else after
        asked = [wanted.account_id, wanted.address, wanted.locked, *behind, most, needles(query.unwanted)]
        if query.wanted:
            asked += [needles(query.wanted), tsquery(wanted.account_id, query.wanted)]
        statement = self._queries["find" if query.wanted else "find_without"]
        return [Hit(*row) for row in await self._database.fetch(statement, *asked, timeout=timeout)]

    async def versions(self, after: tuple[int, int], most: int, *, timeout: float) -> list[Version]:
        """Return the documents behind a key of account and message, in the order of their keys."""
        rows = await self._database.fetch(self._queries["versions"], *after, most, timeout=timeout)
        return [Version(*row) for row in rows]

    async def forget(self, account_id: int, *, timeout: float) -> int:  # noqa: ARG002 - each step has its own limit
        """Remove everything of an account, and return how many rows there were."""
        return sum((await erase_rows(self._database, TABLES, account_id)).values())

    async def probe(self) -> None:
        """Raise `Away` while Postgres takes no writes."""
        await self._database.probe()

    @asynccontextmanager
    async def renewal(self) -> AsyncIterator[Renewal]:
        """Give the index itself: each document is written over what there is of it."""
        yield _InPlace(self)


class _InPlace:
    in_place = True

    def __init__(self, index: PostgresIndex) -> None:
        self._index = index

    async def write(self, documents: Sequence[Document], *, timeout: float) -> int:
        await self._index.write(documents, timeout=timeout)
        return 0


def _row(change: Document | Gone) -> tuple[int, int, int, int, str, bool, str | None]:
    if isinstance(change, Gone):
        return change.account_id, change.message_id, change.change_seq, 0, "", False, None
    return (
        change.account_id,
        change.message_id,
        change.change_seq,
        change.date_sent,
        change.address,
        change.locked,
        change.words,
    )


@asynccontextmanager
async def postgres_index(_: Settings, database: Database) -> AsyncIterator[PostgresIndex]:
    """Give the index."""
    yield PostgresIndex(database)


def tidying(database: Database) -> Upkeep:
    """Return what removes those messages that have been gone for long."""
    return Upkeep("search documents", Tidying(database).round)
