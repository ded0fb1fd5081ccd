"""The indexer: an event says "look at this message", and the index gets how the message stands."""

import time
from collections.abc import Mapping, Sequence

from services.search.analysis import words
from services.search.index import Document, Gone, Index
from services.search.long_texts import computed
from shared import failpoints
from shared.contract.events import Event
from shared.mailbox.indexing import Indexing, Pointer, State

_SECONDS = 10.0
_WRITE_SECONDS = 30.0
# Texts of more take seconds to be cut into words and to be indexed, in which others' wait.
_PART_OCTETS = 1_048_576
# An index forgets what it deleted after an hour; what was read long ago must not be taken for news then.
_STALE_SECONDS = 600.0


class Indexer:
    """Keeps an index equal to the mailboxes."""

    def __init__(self, mailboxes: Indexing, index: Index) -> None:
        self._mailboxes = mailboxes
        self._index = index

    async def take(self, events: Sequence[Event]) -> Sequence[Event]:
        """Look at the messages of events; all of them are handled then. Raises `Away`."""
        seqs: dict[Pointer, int] = {}
        for event in sorted(events, key=lambda event: event.change_seq):
            seqs[event.account_id, event.message_id] = event.change_seq
        while seqs:
            read_at = time.monotonic()
            standing, later = await self._mailboxes.states(seqs, octets=_PART_OCTETS, timeout=_SECONDS)
            await failpoints.reached("search.read")
            changes: list[Document | Gone] = [*await documents([*standing.values()]), *_gone(seqs, {*standing, *later})]
            if time.monotonic() - read_at > _STALE_SECONDS:
                continue
            await self._index.write(changes, timeout=_WRITE_SECONDS)
            await failpoints.reached("search.written")
            seqs = {pointer: seqs[pointer] for pointer in later}
        return ()


async def documents(states: Sequence[State]) -> list[Document]:
    """Return messages as the index has them."""
    return await computed(_documents, states)


def _documents(states: Sequence[State]) -> list[Document]:
    return [
        Document(
            account_id=state.account_id,
            message_id=state.message_id,
            change_seq=state.change_seq,
            address=state.address,
            locked=state.locked,
            date_sent=state.date_sent,
            words=" ".join(words(state.body)),
        )
        for state in states
    ]


def _gone(seqs: Mapping[Pointer, int], there: set[Pointer]) -> list[Gone]:
    """Return what is not there, as of its event: the row may be gone as well, and another event tells of that."""
    return [Gone(*pointer, seq) for pointer, seq in seqs.items() if pointer not in there]
