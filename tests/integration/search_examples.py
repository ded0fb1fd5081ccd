"""Random texts and queries in a few letters of many scripts, so that they often meet; and what must be found."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from services.search.analysis import words
from services.search.index import Document, Hit, Index, Wanted
from services.search.matching import matches
from services.search.query import parse

SECONDS = 20.0
_LETTERS = ("a", "b", "ab", "abc", "ä", "B", "ß", "ss", "1", "ё", "ق", "한", "글")
_PIECES = (*_LETTERS, "漢", "字", "漢字", "か", "ไ", "ท", "👍", "👍🏽")
_BETWEEN = (" ", " ", " ", "-", ".", "\n", "'", "")
_AROUND = ("", "", "", "", "-", '"', "*", ' "', '" ', " -", '-"')

_texts = st.lists(st.sampled_from(_PIECES + _BETWEEN), max_size=12).map("".join)
_queries = st.lists(st.sampled_from(_PIECES + _BETWEEN + _AROUND), min_size=1, max_size=8).map("".join)
_messages = st.tuples(_texts, st.sampled_from(("x", "y")), st.booleans())

MESSAGES: st.SearchStrategy[list[tuple[str, str, bool]]] = st.lists(_messages, min_size=1, max_size=20)
QUERIES: st.SearchStrategy[list[tuple[str, str | None, bool]]] = st.lists(
    st.tuples(_queries, st.sampled_from((None, None, "x", "y")), st.booleans()), min_size=10, max_size=20
)


def document(account_id: int, message_id: int, text: str, **fields: Any) -> Document:
    """Return a message of the index; its date is in the order of the ids."""
    told: dict[str, Any] = {"change_seq": message_id, "date_sent": 1_000 + message_id, "address": "x", "locked": False}
    return Document(account_id=account_id, message_id=message_id, words=" ".join(words(text)), **told | fields)


async def assert_found(
    index: Index,
    account_id: int,
    messages: Sequence[tuple[str, str, bool]],
    queries: Sequence[tuple[str, str | None, bool]],
) -> None:
    """Write texts with addresses and locks to an index, and hold what queries find against the reference."""
    documents = [
        document(account_id, number, text, address=address, locked=locked)
        for number, (text, address, locked) in enumerate(messages, 1)
    ]
    await index.write(documents, timeout=SECONDS)
    for text, address, locked in queries:
        query = parse(text)
        expected = [
            Hit(each.date_sent, each.message_id)
            for each in reversed(documents)
            if matches(query, each.words.split()) and address in (None, each.address) and (each.locked or not locked)
        ]
        if not query.is_empty:
            found = await index.find(Wanted(account_id, query, address, locked), None, 100, timeout=SECONDS)
            assert found == expected, (text, query)
