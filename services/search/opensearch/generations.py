"""Generations: the indexes that every indexer writes to, and the one that queries go to.

One is registered, or two while the index is made anew. An indexer reads the messages first and then which generations
there are: one that does not see a new generation has read its messages before that one was registered, so a scan that
begins after the registration sees what it saw or newer.
"""

# ruff: noqa: ASYNC109 - every use must name its time limit, and it is given on

import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from services.search.opensearch.client import Client, MissingIndex
from services.search.opensearch.mapping import new_index
from shared.postgres.pool import Connection, Database
from shared.postgres.queries import load_queries


def write_alias(name: str) -> str:
    """Return the alias that a generation is written through, so that no write ever creates an index."""
    return f"{name}-writes"


class Generations:
    """The generations of one installation; queries go to `alias`, with which the names begin."""

    def __init__(self, database: Database, client: Client, alias: str) -> None:
        self.alias = alias
        self._database = database
        self._client = client
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def registered(self, *, timeout: float) -> list[str]:
        """Return what is to be written to; an installation that has none gets its first one."""
        names = await self._names(timeout)
        return names or [await self._first(timeout)]

    async def erased(self, account_ids: Iterable[int], *, timeout: float) -> set[int]:
        """Return which of some accounts are erased."""
        rows = await self._database.fetch(self._queries["erased"], list(account_ids), timeout=timeout)
        return {row["account_id"] for row in rows}

    async def current(self, *, timeout: float) -> list[str]:
        """Return what queries go to: one, or none where there is no such index any more."""
        try:
            return list(await self._client.call("GET", f"/_alias/{self.alias}", timeout=timeout))
        except MissingIndex:
            return []

    async def add(self, *, timeout: float) -> str:
        """Make and register a generation that queries do not go to yet, and give up those of broken-off rebuilds."""
        async with self._alone(timeout) as connection:
            current = await self.current(timeout=timeout)
            name = await self._create(timeout)
            await connection.execute(self._queries["unregister"], current)
            await connection.execute(self._queries["register"], name)
        await self._drop_all_but([name, *current], timeout)
        return name

    async def take_over(self, name: str, *, timeout: float) -> None:
        """Send queries to a generation, and write to no other one."""
        await self._client.call("POST", f"/{name}/_refresh", timeout=timeout)
        async with self._alone(timeout) as connection:
            await self._send_queries_to(name, timeout)
            await connection.execute(self._queries["unregister"], [name])

    async def drop_others(self, name: str, *, timeout: float) -> None:
        """Remove the data of all generations but one."""
        await self._drop_all_but([name], timeout)

    async def give_up(self, name: str, *, timeout: float) -> None:
        """Write no more to a generation that never took over, and remove its data."""
        async with self._alone(timeout) as connection:
            kept = [each for each in await self._known(connection) if each != name]
            await connection.execute(self._queries["unregister"], kept)
        await self.drop_lost(timeout=timeout)

    async def drop_lost(self, *, timeout: float) -> None:
        """Remove the data of generations that a killed rebuild left: nothing writes to them nor asks them any more."""
        async with self._alone(timeout) as connection:
            kept = [*await self._known(connection), *await self.current(timeout=timeout)]
            await self._drop_all_but(kept, timeout)

    async def _known(self, connection: Connection) -> list[str]:
        return [str(row["name"]) for row in await connection.fetch(self._queries["registered"])]

    async def _names(self, timeout: float) -> list[str]:
        return [row["name"] for row in await self._database.fetch(self._queries["registered"], timeout=timeout)]

    async def _first(self, timeout: float) -> str:
        async with self._alone(timeout) as connection:
            names = await self._known(connection)
            if names:
                return names[0]
            name = await self._create(timeout)
            await self._send_queries_to(name, timeout)
            await connection.execute(self._queries["register"], name)
            return name

    @asynccontextmanager
    async def _alone(self, timeout: float) -> AsyncIterator[Connection]:
        """Give a transaction in which nobody else makes or registers a generation."""
        async with self._database.transaction(timeout=timeout) as connection:
            await connection.execute(self._queries["lock"])
            yield connection

    async def _create(self, timeout: float) -> str:
        name = f"{self.alias}-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(2)}"
        await self._client.call("PUT", f"/{name}", new_index(write_alias(name)), timeout=timeout)
        return name

    async def _send_queries_to(self, name: str, timeout: float) -> None:
        before = set(await self.current(timeout=timeout)) - {name}
        actions = [{"remove": {"index": each, "alias": self.alias}} for each in sorted(before)]
        actions.append({"add": {"index": name, "alias": self.alias}})
        await self._client.call("POST", "/_aliases", {"actions": actions}, timeout=timeout)

    async def _drop_all_but(self, kept: Iterable[str], timeout: float) -> None:
        """Remove also what a crash left behind before it was registered."""
        found = await self._client.call("GET", f"/{self.alias}-*/_alias", timeout=timeout)
        ours = re.compile(rf"{re.escape(self.alias)}-[0-9]{{14}}-[0-9a-f]{{4}}")
        for name in filter(ours.fullmatch, set(found) - set(kept)):
            await self._client.call("DELETE", f"/{name}", timeout=timeout, parameters={"ignore_unavailable": "true"})
