"""Mailboxes and an index of either backend, which is told of what happens only when a test does so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.search.check import Check
from services.search.index import Document, Index
from services.search.rebuild import Rebuild, Rebuilt
from shared.mailbox.indexing import Indexing
from tests.integration.mailbox_rig import Rig, mailbox_rig, message
from tests.integration.opensearch_rig import Rig as OpenSearchRig
from tests.integration.opensearch_rig import opensearch_rig
from tests.integration.search_rig import SearchRig

ACCOUNT = 7
_TABLES = "mailbox, conversation, message, outbox, done, search_document, search_generation"


class IndexRig(SearchRig):
    """Search of one account; `opensearch` is none where Postgres is the index."""

    def __init__(self, rig: Rig, opensearch: OpenSearchRig | None) -> None:
        super().__init__(rig, opensearch.index if opensearch else None)
        self.opensearch = opensearch
        self.mailboxes = Indexing(rig.database)

    async def stored(self, *bodies: str) -> list[int]:
        """Store messages that the index is not told of."""
        ids = await self.rig.insert(*(message(ACCOUNT, body=body) for body in bodies))
        await self.events(ACCOUNT)
        return ids

    async def refresh(self) -> None:
        """Let queries see what was written."""
        if self.opensearch:
            await self.opensearch.refresh()

    async def rebuilt(self, index: Index | None = None) -> Rebuilt:
        """Make the index anew as the command does."""

        async def go_on() -> None: ...

        done, in_place = await Rebuild(self.mailboxes, index or self.index, go_on, lambda *_: None).run()
        if in_place:
            await Check(self.mailboxes, self.index, repair=True).full()
        return done

    async def differences(self) -> dict[str, int]:
        """Return how many messages differ, by how they do; only what is not 0."""
        checked = await Check(self.mailboxes, self.index, repair=False).full()
        return {name: count for name, count in checked.counts.items() if count and name not in {"compared", "left"}}


def document(message_id: int, words: str, seq: int = 1, **fields: Any) -> Document:
    """Return a message of the account."""
    told: dict[str, Any] = {"account_id": ACCOUNT, "address": "+43", "locked": False, "date_sent": message_id} | fields
    return Document(message_id=message_id, change_seq=seq, words=words, **told)


@asynccontextmanager
async def index_rig(database_url: str, opensearch_url: str = "") -> AsyncIterator[IndexRig]:
    """Give empty mailboxes and an empty index, on OpenSearch where there is a URL."""
    async with mailbox_rig(database_url) as rig:
        await rig.rows(f"truncate {_TABLES} cascade")
        if not opensearch_url:
            yield IndexRig(rig, None)
            return
        async with opensearch_rig(database_url, opensearch_url) as opensearch:
            yield IndexRig(rig, opensearch)
