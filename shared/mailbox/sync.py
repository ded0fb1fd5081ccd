"""Sync: what a device knows, what it changed, and the page of changes that it gets."""

from collections.abc import Sequence
from inspect import isawaitable
from typing import NamedTuple, TypeVar

import asyncpg

from shared.contract.faults import Fault, fault_numbered
from shared.mailbox.rules import PAGE_OCTETS
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Write, Writer, Written
from shared.metrics.syncs import synced as synced_pages

T = TypeVar("T")

# An answer holds 1,000 acks too, of about 100 octets each in XML.
_ENTRIES_OCTETS = PAGE_OCTETS - 128 * 1024
_ENTRY = '"messageId":'
# What a statement passes by in a few dozen milliseconds; more than a call can ack, or a look would find only those.
_LOOKS = 10_000


class Sync(NamedTuple):
    """A sync, in the order of `device_sync`'s arguments; `now` in ms since 1970.

    `acked` and `told` come from `id_list`: the messages' ids and the device's own. `entries` is a JSON array of the
    contract's entries, their names in snake case. A page has at most `wanted` changes and `octets`; a statement looks
    at `looks` candidates for it.
    """

    account_id: int
    device_id: int
    acked: str
    told: str
    entries: str
    initial: bool
    wanted: int
    now: int
    octets: int = _ENTRIES_OCTETS
    looks: int = _LOOKS


class Synced(NamedTuple):
    """What a sync gave: its acks and its page, JSON arrays of wire entries.

    An empty page means that there is nothing more, unless it is `unfinished`.
    """

    acks: str
    page: str
    unfinished: bool = False


def synced(row: asyncpg.Record) -> Synced | Fault | None:
    """Return what a row of `device_sync` says, none where the mailbox was skipped."""
    _, answer, *found = row
    if answer is None:
        return None
    return Synced(*found) if answer == 0 else fault_numbered(-answer)


class Syncs:
    """Runs syncs until each page holds something or nothing more is there."""

    def __init__(self, writer: Writer[Synced], write: Write) -> None:
        self._writer = writer
        self._write = write

    async def run(self, syncs: Sequence[Sync], terms: Sequence[Terms]) -> list[Written[Synced]]:
        """Return what each sync gave, or a fault; raise `DatabaseError`."""
        written = await self._writer.write(self._write, syncs, terms)
        return [
            _counted(outcome, sync) if _is_whole(outcome) else self._whole(outcome, sync, each)
            for outcome, sync, each in zip(written, syncs, terms, strict=True)
        ]

    async def _whole(self, outcome: Written[Synced], sync: Sync, terms: Terms) -> Synced | Fault:
        # A device may have to pass by a million messages that came and went: each statement gets a little further.
        first = found = await _settled(outcome)
        rest = sync._replace(entries="[]", initial=False)
        while not _is_whole(found):
            (outcome,) = await self._writer.write(self._write, [rest], [terms])
            found = await _settled(outcome)
        if isinstance(first, Fault) or isinstance(found, Fault):
            return found
        return _counted(Synced(first.acks, found.page), sync)


def _counted(found: T, sync: Sync) -> T:
    if isinstance(found, Synced):
        # Within a text the quotes have backslashes before them, so each entry has one of these.
        entries = found.page.count(_ENTRY)
        synced_pages(entries, behind=entries >= sync.wanted)
    return found


def _is_whole(outcome: Written[Synced]) -> bool:
    return isinstance(outcome, Fault) or (isinstance(outcome, Synced) and not outcome.unfinished)


async def _settled(outcome: Written[Synced]) -> Synced | Fault:
    return await outcome if isawaitable(outcome) else outcome
