"""Expiry: which messages of a mailbox are too old, and removing them in steps that leave room for others."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from shared.mailbox.step_size import StepSize
from shared.metrics import mailbox as metrics
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_SECONDS = 10.0
# Looking at them takes 5 to 15 ms while the indexes are in memory, and a hundred times that from a disk.
_SLICE = 200
# How long a mailbox is left to others after a step, in times of the step's own length.
_REST = 0.5
# Most locks are those of commands, and last for some milliseconds.
_TRIES, _PAUSE_SECONDS = 10, 0.02


class Retained(NamedTuple):
    """A mailbox whose messages expire after `days`: those sent `before`, in ms since 1970; none with 0 days.

    `due` says whether there are some.
    """

    account_id: int
    days: int
    before: int | None
    due: bool


class _Place(NamedTuple):
    """Where a message stands in the order of `mailbox_expired`."""

    conversation_id: int
    date_sent: int
    message_id: int


class Left(Enum):
    """Why a mailbox was left."""

    DONE = "nothing there is too old any more"
    IN_USE = "others had it whenever we looked"
    OUT_OF_TIME = "the rest is for the next time"


class Cleared(NamedTuple):
    """How many messages were removed from a mailbox, and whether that was all."""

    messages: int
    left: Left


class Expiry:
    """Finds, counts and removes messages that are too old; `default_days` count where an account has none of its own.

    Everything raises `DatabaseError`; the steps that were taken stay.
    """

    def __init__(self, database: Database, default_days: int) -> None:
        self._database = database
        self._default_days = default_days
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._size = StepSize()

    async def behind(self, account_id: int) -> tuple[list[Retained], bool]:
        """Return the next mailboxes by account id, and whether they are the last ones."""
        arguments = (account_id, _SLICE, self._default_days)
        rows = await self._database.fetch(self._queries["retained"], *arguments, timeout=_SECONDS)
        return [Retained(*row) for row in rows], len(rows) < _SLICE

    async def count(self, mailbox: Retained) -> int:
        """Return how many messages `clear` would remove now."""
        return sum([len(page) async for page in self._expired(mailbox)])

    async def clear(self, mailbox: Retained, until: float = math.inf) -> Cleared:
        """Remove what expired; not much longer than until then, on the monotonic clock."""
        messages = 0
        async with aclosing(self._expired(mailbox)) as pages:
            async for page in pages:
                began = time.monotonic()
                removed = await self._remove(mailbox, page)
                if removed is None:
                    return Cleared(messages, Left.IN_USE)
                messages += removed
                ended = time.monotonic()
                if ended > until:
                    return Cleared(messages, Left.OUT_OF_TIME)
                await asyncio.sleep(_REST * (ended - began))
        return Cleared(messages, Left.DONE)

    async def _expired(self, mailbox: Retained) -> AsyncGenerator[Sequence[_Place]]:
        """Yield what expired in pages, none of which looks at what earlier ones did."""
        if mailbox.before is None:
            return
        place, full = _Place(0, 0, 0), True
        while full:
            size = self._size.messages
            arguments = (mailbox.account_id, mailbox.before, *place, size)
            rows = await self._database.fetch(self._queries["expired"], *arguments, timeout=_SECONDS)
            page = [_Place(*row) for row in rows]
            full = len(page) == size
            if page:
                place = page[-1]
                yield page

    async def _remove(self, mailbox: Retained, page: Sequence[_Place]) -> int | None:
        """Take one step; return how many messages it removed, or none when the mailbox was not to be had."""
        ids = [place.message_id for place in page]
        arguments = (mailbox.account_id, ids, mailbox.before, self._default_days)
        for _ in range(_TRIES):
            began = time.monotonic()
            try:
                removed = await self._database.fetchval(self._queries["expire"], *arguments, timeout=_SECONDS)
            finally:
                self._size.took(time.monotonic() - began)
            if removed is not None:
                metrics.expired(removed)
                return int(removed)
            await asyncio.sleep(_PAUSE_SECONDS)
        return None
