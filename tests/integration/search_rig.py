"""Search over a mailbox on a real Postgres, without a broker: events go by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.search.handlers import Search
from services.search.index import Index
from services.search.indexer import Indexer
from services.search.postgres.index import PostgresIndex
from shared.contract.events import Event
from shared.contract.search import UserMessageSearchRequest
from shared.mailbox.indexing import Indexing
from tests.integration.mailbox_rig import TIMEOUT, Rig, context, mailbox_rig

_TAKE = """
delete from outbox where account_id = $1
returning kind, account_id, message_id, change_seq, (extract(epoch from at) * 1000)::bigint
"""


class SearchRig:
    """The mailbox, the index, and both ends of the role."""

    def __init__(self, rig: Rig, index: Index | None = None) -> None:
        self.rig = rig
        self.index = index or PostgresIndex(rig.database)
        self.indexer = Indexer(Indexing(rig.database), self.index)
        self.handler = Search(Indexing(rig.database), self.index)

    async def events(self, account_id: int) -> list[Event]:
        """Take what waits of an account."""
        rows = await self.rig.database.fetch(_TAKE, account_id, timeout=TIMEOUT)
        return sorted((Event(*row) for row in rows), key=lambda event: event.change_seq)

    async def indexed(self, account_id: int) -> None:
        """Let the index know of what happened."""
        assert not await self.indexer.take(await self.events(account_id))

    async def search(self, account_id: int, query: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the messages of an answer."""
        asked = {"address": None, "locked": False, "limit": 0} | fields
        answer = await self.handler.search(UserMessageSearchRequest(query, **asked), context(account_id))
        return [dict(entry) for entry in answer["messages"]]

    async def found(self, account_id: int, query: str, **fields: Any) -> list[int]:
        """Return the ids of the messages of an answer."""
        return [entry["messageId"] for entry in await self.search(account_id, query, **fields)]

    async def documents(self, account_id: int) -> dict[int, tuple[int, str]]:
        """Return change number and words of what the index has of an account."""
        query = "select message_id, change_seq, words from search_document where account_id = $1 and gone_at is null"
        return {row["message_id"]: (row["change_seq"], row["words"]) for row in await self.rig.rows(query, account_id)}


@asynccontextmanager
async def search_rig(url: str) -> AsyncIterator[SearchRig]:
    """Give search on a migrated database."""
    async with mailbox_rig(url) as rig:
        yield SearchRig(rig)
