"""The index on OpenSearch."""

# ruff: noqa: ASYNC109 - every use must name its time limit, and a method bounds all of its use by it

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from services.search.index import Document, Gone, Hit, Renewal, Version, Wanted
from services.search.opensearch import asking, bulk
from services.search.opensearch.asking import Part
from services.search.opensearch.client import Client, MissingIndex, within
from services.search.opensearch.generations import Generations, write_alias
from services.search.opensearch.renewal import new_generation
from services.search.query import Query
from shared.postgres.pool import Database
from shared.settings import Settings

_PROBE_SECONDS = 5.0
# A part of the answer would look like all of it.
_WHOLE = {"allow_partial_search_results": "false"}
_ALIAS_ONLY = {"require_alias": "true"}


class OpenSearchIndex:
    """An index whose data is in OpenSearch, and what it is called in Postgres."""

    def __init__(self, client: Client, generations: Generations) -> None:
        self._client = client
        self._generations = generations

    async def write(self, changes: Sequence[Document | Gone], *, timeout: float) -> None:
        """Write to every generation that there is now, behind the reading of what the changes say."""
        async with within(timeout):
            for name in await self._generations.registered(timeout=timeout):
                await self.write_to(name, changes, timeout=timeout)

    async def write_to(self, generation: str, changes: Sequence[Document | Gone], *, timeout: float) -> None:
        """Write to one generation.

        An account that is erased meanwhile is known by the end, or its erase finds what was written.
        """
        await self._bulk(generation, changes, timeout)
        erased = await self._generations.erased({each.account_id for each in changes}, timeout=timeout)
        written = [each for each in changes if each.account_id in erased]
        gone = [Gone(each.account_id, each.message_id, each.change_seq + 1) for each in written]
        await self._bulk(generation, gone, timeout)

    async def _bulk(self, generation: str, changes: Sequence[Document | Gone], timeout: float) -> None:
        path = f"/{write_alias(generation)}/_bulk"
        for body in bulk.parts(changes):
            bulk.check(await self._client.call("POST", path, body, parameters=_ALIAS_ONLY, timeout=timeout))

    def is_exact(self, query: Query) -> bool:
        """Whether everything that it finds for a query matches."""
        return asking.is_exact(query)

    async def find(self, wanted: Wanted, after: Hit | None, most: int, *, timeout: float) -> list[Hit]:
        """Return at most so many messages behind `after`, newest first; fewer than `most` are the last ones."""
        first, *others = asking.parts(wanted.query)
        found: list[Hit] = []
        async with within(timeout):
            while True:
                page = await self._search(wanted, asking.page(wanted, first, after, most), timeout)
                found += await self._in_all(wanted, others, page, timeout)
                if len(page) < most or len(found) >= most:
                    return found[:most]
                after = page[-1]

    async def versions(self, after: tuple[int, int], most: int, *, timeout: float) -> list[Version]:
        """Return the documents behind a key of account and message, in the order of their keys."""
        async with within(timeout):
            hits = await self._hits(asking.in_order(after, most), {}, timeout)
        return [Version(int(hit["sort"][0]), hit["sort"][1], hit["_version"]) for hit in hits]

    async def forget(self, account_id: int, *, timeout: float) -> int:
        """Remove everything of an account, and return how many documents of it there were."""
        async with within(timeout):
            names = await self._generations.registered(timeout=timeout)
            await self._generations.drop_lost(timeout=timeout)
            return max([await self._forget_in(name, account_id, timeout) for name in names])

    async def probe(self) -> None:
        """Raise `Away` while what is written to and what is asked cannot be searched."""
        async with within(_PROBE_SECONDS):
            names = await self._generations.registered(timeout=_PROBE_SECONDS)
            path = f"/{','.join([self._generations.alias, *map(write_alias, names)])}/_search"
            await self._client.call("POST", path, {"size": 0}, parameters=_WHOLE, timeout=_PROBE_SECONDS)

    def renewal(self) -> AbstractAsyncContextManager[Renewal]:
        """Give a generation of its own."""
        return new_generation(self._generations, self.write_to)

    async def _search(self, wanted: Wanted, request: Mapping[str, Any], timeout: float) -> list[Hit]:
        hits = await self._hits(request, {"routing": str(wanted.account_id)}, timeout)
        return [Hit(*hit["sort"][1:]) for hit in hits]

    async def _in_all(self, wanted: Wanted, others: Sequence[Part], page: list[Hit], timeout: float) -> list[Hit]:
        """Return those hits that match the other parts of a query too."""
        for part in others:
            if page:
                ids = [bulk.document_id(wanted.account_id, hit.message_id) for hit in page]
                page = await self._search(wanted, asking.among(wanted, part, ids), timeout)
        return page

    async def _hits(self, request: Mapping[str, Any], parameters: Mapping[str, str], timeout: float) -> Any:
        try:
            return await self._asked(request, parameters, timeout)
        except MissingIndex:
            # A new installation gets its first one now.
            await self._generations.registered(timeout=timeout)
            return await self._asked(request, parameters, timeout)

    async def _asked(self, request: Mapping[str, Any], parameters: Mapping[str, str], timeout: float) -> Any:
        path = f"/{self._generations.alias}/_search"
        answer = await self._client.call("POST", path, request, parameters={**_WHOLE, **parameters}, timeout=timeout)
        return answer["hits"]["hits"]

    async def _forget_in(self, generation: str, account_id: int, timeout: float) -> int:
        """Remove what can be found by now, until nothing more can."""
        path = f"/{write_alias(generation)}"
        parameters = {"routing": str(account_id), "conflicts": "proceed", "refresh": "true"}
        removed, last = 0, -1
        while last:
            await self._client.call("POST", f"{path}/_refresh", timeout=timeout)
            query = asking.all_of(account_id)
            answer = await self._client.call(
                "POST", f"{path}/_delete_by_query", query, parameters=parameters, timeout=timeout
            )
            removed, last = removed + answer["deleted"], answer["total"]
        return removed


@asynccontextmanager
async def opensearch_index(settings: Settings, database: Database) -> AsyncIterator[OpenSearchIndex]:
    """Give the index of this installation."""
    async with Client(settings.opensearch_url, settings.opensearch_ca) as client:
        yield OpenSearchIndex(client, Generations(database, client, settings.opensearch_index))
