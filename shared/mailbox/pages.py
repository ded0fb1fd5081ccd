"""Pages of conversations: many in one statement, of which none makes the others wait or the memory grow."""

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from shared.mailbox.rules import PAGE_OCTETS, Entry, fitting
from shared.postgres.pool import Database


class Page(NamedTuple):
    """A page of a conversation: `skipped` newest messages are left out, then at most `wanted` are in it."""

    account_id: int
    address: str
    skipped: int
    wanted: int


Entries: TypeAlias = Sequence[Entry]


@dataclass(slots=True)
class _Found:
    """What a statement gave of a page: its messages, and the octets of their text."""

    messages: list[Entry] = field(default_factory=list)
    octets: int = 0


class Pages:
    """Fetches pages. Those of a group share the room of one; who takes more than its share is fetched alone."""

    def __init__(self, database: Database, query: str) -> None:
        self._database = database
        self._query = query

    async def fetch(
        self,
        pages: Sequence[Page],
        *,
        timeout: float,  # noqa: ASYNC109 - given on
    ) -> list[Entries | Awaitable[Entries]]:
        """Return each page, newest message first, or the promise of a large one; raise `DatabaseError`."""
        deadline = time.monotonic() + timeout
        share = PAGE_OCTETS // len(pages)
        return [
            self._large(page, deadline) if found.octets >= share and len(pages) > 1 else fitting(found.messages)
            for page, found in zip(pages, await self._found(pages, share, timeout), strict=True)
        ]

    async def _large(self, page: Page, deadline: float) -> Entries:
        (found,) = await self._found([page], PAGE_OCTETS, deadline - time.monotonic())
        return fitting(found.messages)

    async def _found(self, pages: Sequence[Page], share: int, seconds: float) -> list[_Found]:
        found = [_Found() for _ in pages]
        columns = zip(*pages, strict=True)
        for row in await self._database.fetch(self._query, *columns, share, timeout=seconds):
            entry = dict(row)
            page = found[entry.pop("place") - 1]
            page.octets = entry.pop("octets")
            page.messages.append(entry)
        return found
