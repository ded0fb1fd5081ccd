"""Whether a query finds a message: the reference for every backend of the index."""

from collections.abc import Sequence

from services.search.query import Phrase, Query


def matches(query: Query, words_of_message: Sequence[str]) -> bool:
    """Tell whether words have every wanted phrase and no unwanted one; a query without any phrase finds nothing."""
    if query.is_empty:
        return False
    return all(_has(words_of_message, phrase) for phrase in query.wanted) and not any(
        _has(words_of_message, phrase) for phrase in query.unwanted
    )


def _has(words: Sequence[str], phrase: Phrase) -> bool:
    starts = range(len(words) - len(phrase.words) + 1)
    return any(_stands_at(words[start : start + len(phrase.words)], phrase) for start in starts)


def _stands_at(words: Sequence[str], phrase: Phrase) -> bool:
    *before, last = phrase.words
    if list(words[:-1]) != before:
        return False
    return words[-1].startswith(last) if phrase.by_beginning else words[-1] == last
