"""Comparing a stretch of the mailboxes with what the index has of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.search.index import Index, Version
from shared.mailbox.indexing import Indexing, Pointer, State

_SECONDS = 30.0
# More than a part of the mailboxes has.
_PAGE = 1_100


class Stretch(NamedTuple):
    """What lies behind a key up to another one, or up to the end of everything."""

    behind: Pointer
    until: Pointer | None


@dataclass(frozen=True, slots=True)
class Differences:
    """Messages that the index has not, has in another state, or has though they do not stand; with what it has."""

    missing: Sequence[Pointer]
    stale: Mapping[Pointer, int]
    orphaned: Mapping[Pointer, int]

    @property
    def pointers(self) -> Sequence[Pointer]:
        return [*self.missing, *self.stale, *self.orphaned]


class Comparing:
    """Looks at both sides."""

    def __init__(self, mailboxes: Indexing, index: Index) -> None:
        self._mailboxes = mailboxes
        self._index = index

    async def first_look(self, stretch: Stretch, states: Sequence[State]) -> Differences:
        """Compare all of a stretch, whose messages were read just now."""
        return _differences({state.pointer: state.change_seq for state in states}, await self._versions(stretch))

    async def another_look(self, stretch: Stretch, pointers: Collection[Pointer]) -> Differences:
        """Compare some messages of a stretch as they are now."""
        indexed = await self._versions(stretch)
        return _differences(
            await self._standing(pointers), {each: indexed[each] for each in pointers if each in indexed}
        )

    async def _versions(self, stretch: Stretch) -> dict[Pointer, int]:
        found: dict[Pointer, int] = {}
        behind, full = stretch.behind, True
        while full:
            page = await self._index.versions(behind, _PAGE, timeout=_SECONDS)
            within = [each for each in page if stretch.until is None or _pointer(each) <= stretch.until]
            found |= {_pointer(each): each.change_seq for each in within}
            full = len(within) == _PAGE
            behind = _pointer(page[-1]) if page else behind
        return found

    async def _standing(self, pointers: Collection[Pointer]) -> dict[Pointer, int]:
        found: dict[Pointer, int] = {}
        left: Collection[Pointer] = pointers
        while left:
            standing, left = await self._mailboxes.states(left, timeout=_SECONDS)
            found |= {pointer: state.change_seq for pointer, state in standing.items()}
        return found


def _pointer(version: Version) -> Pointer:
    return version.account_id, version.message_id


def _differences(standing: Mapping[Pointer, int], indexed: Mapping[Pointer, int]) -> Differences:
    return Differences(
        missing=[pointer for pointer in standing if pointer not in indexed],
        stale={each: seq for each, seq in indexed.items() if each in standing and standing[each] != seq},
        orphaned={each: seq for each, seq in indexed.items() if each not in standing},
    )
