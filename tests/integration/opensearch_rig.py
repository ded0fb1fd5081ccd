"""An index on a real OpenSearch, with names of its own."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.search.analysis import words
from services.search.index import Document, Gone, Hit, Wanted
from services.search.opensearch.client import Client
from services.search.opensearch.generations import Generations
from services.search.opensearch.index import OpenSearchIndex
from services.search.query import parse
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database

TIMEOUT = 20.0
ADDRESS = "+436990000001"


def document(
    message_id: int,
    text: str,
    *,
    seq: int = 1,
    account_id: int = 1,
    address: str = ADDRESS,
    locked: bool = False,
    date: int | None = None,
) -> Document:
    """Return a message; unless it says otherwise, a greater id is newer."""
    sent = message_id if date is None else date
    return Document(account_id, message_id, seq, address, locked, sent, " ".join(words(text)))


def gone(message_id: int, seq: int, account_id: int = 1) -> Gone:
    return Gone(account_id, message_id, seq)


class Rig:
    """The index, and short forms of what it does."""

    def __init__(self, url: str, client: Client, generations: Generations, database: Database) -> None:
        self.url = url
        self.client = client
        self.generations = generations
        self.database = database
        self.index = OpenSearchIndex(client, generations)

    async def write(self, *changes: Document | Gone) -> None:
        await self.index.write(changes, timeout=TIMEOUT)
        await self.refresh()

    async def refresh(self) -> None:
        """Let queries see what was written."""
        await self.client.call("POST", f"/{self.generations.alias}-*/_refresh", timeout=TIMEOUT)

    async def find(
        self,
        query: str = "",
        *,
        account_id: int = 1,
        address: str | None = None,
        locked: bool = False,
        after: Hit | None = None,
        most: int = 100,
    ) -> list[int]:
        """Return the ids of what a query finds."""
        wanted = Wanted(account_id, parse(query), address, locked)
        return [hit.message_id for hit in await self.index.find(wanted, after, most, timeout=TIMEOUT)]

    async def indexes(self) -> list[str]:
        """Return the names of all indexes of this rig."""
        return sorted(await self.client.call("GET", f"/{self.generations.alias}-*/_alias", timeout=TIMEOUT))


@asynccontextmanager
async def opensearch_rig(database_url: str, opensearch_url: str) -> AsyncIterator[Rig]:
    """Give an index on a database that nobody else uses; what it stored is deleted afterwards."""
    await migrate(database_url, after=True)
    async with Database(database_url, 4, name="search-test") as database, Client(opensearch_url) as client:
        await database.fetch("truncate search_generation", timeout=TIMEOUT)
        rig = Rig(opensearch_url, client, Generations(database, client, f"test-{secrets.token_hex(4)}"), database)
        try:
            yield rig
        finally:
            names = ",".join(await rig.indexes())
            if names:
                await client.call("DELETE", f"/{names}", timeout=TIMEOUT)
