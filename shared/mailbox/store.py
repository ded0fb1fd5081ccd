"""The store: the mailbox's reads and writes, each one round trip to Postgres."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.mailbox.rules import PAGE_OCTETS, Entry, fitting
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Closing, Flags, NewMessage, Reading, Removal, Writer, Written
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries


class Page(NamedTuple):
    """A page of a conversation: `skipped` newest messages are left out, then at most `wanted` are in it."""

    account_id: int
    address: str
    skipped: int
    wanted: int


class Mailbox:
    """Messages and conversations of every account.

    Writes take many commands with the terms of each, and return an outcome for each: an id, 0, or a fault.
    Those whose mailbox is locked by somebody else wait on `patient`, a pool of its own, when their outcome is
    awaited. Everything raises `DatabaseError` when Postgres is away or does not answer in time.
    """

    def __init__(self, database: Database, patient: Database) -> None:
        self._database = database
        self._writer = Writer(database, patient)
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def conversations(self, account_id: int, *, timeout: float) -> Sequence[Entry]:  # noqa: ASYNC109 - given on
        """Return the account's conversations, newest first, as wire entries (`UserMessageConversation`)."""
        return await self._fetch("conversations", account_id, timeout=timeout)

    async def messages_by_conversation(
        self,
        pages: Sequence[Page],
        *,
        timeout: float,  # noqa: ASYNC109 - given on
    ) -> list[Sequence[Entry]]:
        """Return the messages of each page, newest first, as wire entries (`UserMessageMessage`).

        A page ends before its answer exceeds 16 MiB.
        """
        found: list[list[Entry]] = [[] for _ in pages]
        columns = zip(*pages, strict=True)
        for entry in await self._fetch("messages_by_conversation", *columns, PAGE_OCTETS, timeout=timeout):
            found[entry.pop("place") - 1].append(entry)
        return [fitting(messages) for messages in found]

    async def insert(self, messages: Sequence[NewMessage], terms: Sequence[Terms]) -> list[Written[int]]:
        """Store messages and return their ids."""
        return await self._writer.write(self._queries["insert"], messages, terms)

    async def update(self, flags: Sequence[Flags], terms: Sequence[Terms]) -> list[Written[int]]:
        """Set flags of messages; one that is gone or unknown is left alone."""
        return await self._writer.write(self._queries["update"], flags, terms)

    async def delete(self, removals: Sequence[Removal], terms: Sequence[Terms]) -> list[Written[int]]:
        """Delete messages; one that is gone or unknown is left alone."""
        return await self._writer.write(self._queries["delete"], removals, terms)

    async def read(self, readings: Sequence[Reading], terms: Sequence[Terms]) -> list[Written[int]]:
        """Mark all incoming messages of conversations as read; an unknown one is left alone."""
        return await self._writer.write(self._queries["read"], readings, terms)

    async def delete_conversations(self, closings: Sequence[Closing], terms: Sequence[Terms]) -> list[Written[int]]:
        """Delete conversations: they are gone at once for reads and writes; the purge comes later."""
        return await self._writer.write(self._queries["delete_conversations"], closings, terms)

    async def _fetch(self, query: str, *arguments: Any, timeout: float) -> list[dict[str, Any]]:  # noqa: ASYNC109 - given on
        rows = await self._database.fetch(self._queries[query], *arguments, timeout=timeout)
        return [dict(row) for row in rows]
