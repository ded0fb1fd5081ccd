"""The command of search."""

import asyncio
from collections.abc import Iterable, Sequence

from services.search.deciding import decided
from services.search.index import Hit, Index, Wanted
from services.search.query import Query, parse
from services.search.share import Shares
from shared.bus.routes import Context, Outcome, Route, WireTree, route_group
from shared.contract.messages import PAGE_DEFAULT, PAGE_LIMIT
from shared.contract.search import SEARCH, UserMessageSearchRequest, UserMessageSearchResponse
from shared.mailbox.indexing import Indexing
from shared.mailbox.rules import Entry, fitting

_EVERYTHING = Query((), ())
# What is asked for at least, where messages that the index still has are gone.
_LEAST = 50
# As many as OpenSearch gives at once.
_MOST = 10_000
# A search of everyday takes a few hundredths; one that takes longer waits by itself, and sooner where others of its
# account are first.
_SOON_SECONDS = 0.25
_IN_LINE_SECONDS = 0.05
# Of many accounts: each has a few that run or wait.
_MOST_WAITING = 64

Commands = Sequence[tuple[UserMessageSearchRequest, Context]]


class Search:
    """The handler, over an index that finds messages and the mailboxes that have them."""

    def __init__(self, mailboxes: Indexing, index: Index) -> None:
        self._mailboxes = mailboxes
        self._index = index
        self._shares = Shares()

    async def run(self, commands: Commands) -> Sequence[Outcome[UserMessageSearchResponse]]:
        """Run searches; one that takes long is given back to be waited for, and holds up nothing that came with it."""
        return [await self._soon(request, context) for request, context in commands]

    async def _soon(self, request: UserMessageSearchRequest, context: Context) -> Outcome[UserMessageSearchResponse]:
        waits = self._shares.is_taken(context.identity.account_id)
        searching = asyncio.create_task(self._in_turn(request, context))
        done, _ = await asyncio.wait([searching], timeout=_IN_LINE_SECONDS if waits else _SOON_SECONDS)
        return await searching if done else searching

    async def _in_turn(self, request: UserMessageSearchRequest, context: Context) -> WireTree:
        async with self._shares.place(context.identity.account_id):
            return await self.search(request, context)

    async def search(self, request: UserMessageSearchRequest, context: Context) -> WireTree:
        """Return the messages that a query finds, newest first, as they stand now."""
        query = _EVERYTHING
        if request.query.strip():
            query = parse(request.query)
            if query.is_empty:
                return {"messages": []}
        wanted = Wanted(context.identity.account_id, query, request.address or None, request.locked)
        limit = min(request.limit or PAGE_DEFAULT, PAGE_LIMIT)
        return {"messages": (await self._found(wanted, limit, context))[:limit]}

    async def _found(self, wanted: Wanted, limit: int, context: Context) -> Sequence[Entry]:
        """Return at least so many messages, newest first, if there are as many and one answer holds them."""
        found: dict[int, Entry] = {}
        after: Hit | None = None
        most = limit
        while True:
            hits = await self._index.find(wanted, after, most, timeout=context.remaining())
            # By their ids: one whose date changes meanwhile is found a second time.
            found |= {each["messageId"]: each for each in await self._standing(wanted, hits, context)}
            messages = fitting(_newest_first(found.values()))
            if len(messages) < len(found) or len(found) >= limit or len(hits) < most:
                return messages
            after = hits[-1]
            most = min(max(10 * most, _LEAST), _MOST)

    async def _standing(self, wanted: Wanted, hits: Sequence[Hit], context: Context) -> Sequence[Entry]:
        """Return what there is of hits, as it stands; where an answer cannot hold all of it, enough to see that."""
        if not self._index.is_exact(wanted.query):
            hits = await decided(self._mailboxes, wanted.query, wanted.account_id, hits, context.remaining)
        if not hits:
            return []
        ids = [hit.message_id for hit in hits]
        return await self._mailboxes.messages(wanted.account_id, ids, locked=wanted.locked, timeout=context.remaining())


def _newest_first(messages: Iterable[Entry]) -> Sequence[Entry]:
    return sorted(messages, key=lambda each: (each["dateSent"], each["messageId"]), reverse=True)


def routes(search: Search) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    return (route_group(SEARCH, search.run, most_waiting=_MOST_WAITING),)
