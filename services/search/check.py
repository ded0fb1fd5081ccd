"""Checking the index against the mailboxes, both ways, and repairing what differs.

Events are on their way at any time. So what differs at a first look is looked at again some seconds later, and once
more, and only what differs then counts.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import NamedTuple

from services.search.comparing import Comparing, Differences, Stretch
from services.search.index import Index
from services.search.indexer import Indexer
from services.search.opensearch.bulk import IndexRefused
from shared.contract.events import Event, Fact
from shared.mailbox.indexing import Indexing, Pointer, State

_SECONDS = 30.0
_STRETCH = 100
_LOOKS = 3
_REPAIRED_AT_ONCE = 1_000
# As long as an event may take, and the half second until a query sees what was written.
SETTLE_SECONDS = 3.0


@dataclass(slots=True)
class Checked:
    """What a check found; `left` differs at its end."""

    compared: int = 0
    missing: int = 0
    stale: int = 0
    orphaned: int = 0
    repaired: int = 0
    left: int = 0

    @property
    def found(self) -> int:
        return self.missing + self.stale + self.orphaned

    @property
    def counts(self) -> dict[str, int]:
        return asdict(self)


class _Suspects(NamedTuple):
    """Messages of a stretch that differed at so many looks, and when they are to be looked at again."""

    due: float
    stretch: Stretch
    pointers: Sequence[Pointer]
    looks: int
    repaired: bool = False


class Check:
    """Compares, and repairs where it is asked to; for one use."""

    def __init__(self, mailboxes: Indexing, index: Index, *, repair: bool) -> None:
        self._mailboxes = mailboxes
        self._comparing = Comparing(mailboxes, index)
        self._indexer = Indexer(mailboxes, index)
        self._repair = repair
        self._suspects: deque[_Suspects] = deque()
        self._checked = Checked()

    async def full(self) -> Checked:
        """Compare everything."""
        behind: Pointer = (0, 0)
        async for part in self._mailboxes.scan(timeout=_SECONDS):
            if part:
                await self._compare(Stretch(behind, part[-1].pointer), part)
                behind = part[-1].pointer
        await self._compare(Stretch(behind, None), [])
        return await self._settled()

    async def sample(self, messages: int) -> Checked:
        """Compare at most so many messages, in places that are chosen by chance."""
        for _ in range(-(-messages // _STRETCH)):
            behind = await self._mailboxes.random_place(timeout=_SECONDS)
            async with aclosing(self._mailboxes.scan(behind, timeout=_SECONDS)) as parts:
                part = (await anext(parts, []))[:_STRETCH]
            if part:
                await self._compare(Stretch(behind, part[-1].pointer), part)
        return await self._settled()

    async def _compare(self, stretch: Stretch, states: Sequence[State]) -> None:
        self._checked.compared += len(states)
        self._suspect(stretch, await self._comparing.first_look(stretch, states), looks=1)
        while self._suspects and self._suspects[0].due <= time.monotonic():
            await self._look_again(self._suspects.popleft())

    async def _settled(self) -> Checked:
        while self._suspects:
            await asyncio.sleep(max(0.0, self._suspects[0].due - time.monotonic()))
            await self._look_again(self._suspects.popleft())
        self._checked.repaired = self._checked.found - self._checked.left
        return self._checked

    def _suspect(self, stretch: Stretch, found: Differences, looks: int, *, repaired: bool = False) -> None:
        if found.pointers:
            due = time.monotonic() + SETTLE_SECONDS
            self._suspects.append(_Suspects(due, stretch, found.pointers, looks, repaired))

    async def _look_again(self, suspects: _Suspects) -> None:
        found = await self._comparing.another_look(suspects.stretch, suspects.pointers)
        if suspects.looks < _LOOKS:
            self._suspect(suspects.stretch, found, suspects.looks + 1, repaired=suspects.repaired)
        elif suspects.repaired:
            self._checked.left += len(found.pointers)
        else:
            await self._found(suspects.stretch, found)

    async def _found(self, stretch: Stretch, found: Differences) -> None:
        self._checked.missing += len(found.missing)
        self._checked.stale += len(found.stale)
        self._checked.orphaned += len(found.orphaned)
        if not self._repair:
            self._checked.left += len(found.pointers)
        elif found.pointers:
            events = _events(found)
            for start in range(0, len(events), _REPAIRED_AT_ONCE):
                await self._repaired(events[start : start + _REPAIRED_AT_ONCE])
            self._suspect(stretch, found, looks=1, repaired=True)

    async def _repaired(self, events: Sequence[Event]) -> None:
        """Index messages anew; what the index never takes differs at the next looks too."""
        try:
            await self._indexer.take(events)
        except IndexRefused:
            if len(events) > 1:
                for event in events:
                    await self._repaired([event])


def _events(found: Differences) -> list[Event]:
    """Return what makes the indexer look at messages; one that does not stand goes, whatever state the index has."""
    seqs = dict.fromkeys(found.missing, 0) | {**found.stale, **found.orphaned}
    return [Event(Fact.MESSAGE_CHANGED, *pointer, seq + 1, 0) for pointer, seq in seqs.items()]
