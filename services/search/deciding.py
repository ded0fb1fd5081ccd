"""Deciding: where an index cannot tell whether a message has a phrase, the message itself does."""

from collections.abc import Callable, Sequence
from functools import partial

from services.search.analysis import words
from services.search.index import Hit
from services.search.long_texts import computed
from services.search.matching import matches
from services.search.query import Query
from shared.mailbox.indexing import Indexing, Pointer, State


async def decided(
    mailboxes: Indexing, query: Query, account_id: int, hits: Sequence[Hit], remaining: Callable[[], float]
) -> list[Hit]:
    """Return those hits whose messages stand and match a query; `remaining` gives the seconds that are left."""
    found: set[Pointer] = set()
    left: Sequence[Pointer] = [(account_id, hit.message_id) for hit in hits]
    while left:
        standing, left = await mailboxes.states(left, timeout=remaining())
        found |= await computed(partial(_pointers, query), [*standing.values()])
    return [hit for hit in hits if (account_id, hit.message_id) in found]


def _pointers(query: Query, states: Sequence[State]) -> set[Pointer]:
    return {state.pointer for state in states if matches(query, words(state.body))}
