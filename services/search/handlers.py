"""The command of search."""

from collections.abc import Sequence

from services.search.index import Hit, Index, Wanted
from services.search.query import Query, parse
from shared.bus.routes import Context, Route, WireTree, route
from shared.contract.messages import PAGE_DEFAULT, PAGE_LIMIT
from shared.contract.search import SEARCH, UserMessageSearchRequest
from shared.mailbox.indexing import Indexing
from shared.mailbox.rules import Entry, fitting

_EVERYTHING = Query((), ())
# What is asked for at least, where messages that the index still has are gone.
_LEAST = 50


class Search:
    """The handler, over an index that finds messages and the mailboxes that have them."""

    def __init__(self, mailboxes: Indexing, index: Index) -> None:
        self._mailboxes = mailboxes
        self._index = index

    async def search(self, request: UserMessageSearchRequest, context: Context) -> WireTree:
        """Return the messages that a query finds, newest first, as they stand now."""
        query = _EVERYTHING
        if request.query.strip():
            query = parse(request.query)
            if query.is_empty:
                return {"messages": []}
        wanted = Wanted(context.identity.account_id, query, request.address or None, request.locked)
        limit = min(request.limit or PAGE_DEFAULT, PAGE_LIMIT)
        return {"messages": fitting(_newest_first(await self._found(wanted, limit, context))[:limit])}

    async def _found(self, wanted: Wanted, limit: int, context: Context) -> Sequence[Entry]:
        """Return at least so many messages, if there are as many; those of a very long answer are fewer."""
        found: list[Entry] = []
        after: Hit | None = None
        most = limit
        while True:
            hits = await self._index.find(wanted, after, most, timeout=context.remaining())
            standing, whole = await self._standing(wanted, hits, context)
            found += standing
            if len(found) >= limit or len(hits) < most or not whole:
                return found
            after = hits[-1]
            most = min(max(2 * most, _LEAST), PAGE_LIMIT)

    async def _standing(self, wanted: Wanted, hits: Sequence[Hit], context: Context) -> tuple[Sequence[Entry], bool]:
        """Return what there is of hits as they stand, and whether an answer holds all of it."""
        if not hits:
            return [], True
        ids = [hit.message_id for hit in hits]
        messages = await self._mailboxes.messages(wanted.account_id, ids, timeout=context.remaining())
        fit = len(fitting(messages)) == len(messages)
        return [each for each in messages if each["locked"] or not wanted.locked], fit


def _newest_first(messages: Sequence[Entry]) -> Sequence[Entry]:
    return sorted(messages, key=lambda each: (each["dateSent"], each["messageId"]), reverse=True)


def routes(search: Search) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    return (route(SEARCH, search.search),)
