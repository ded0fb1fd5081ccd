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
    *before, last = phrase.words
    ends = range(len(before), len(words))
    return any(_ends(words[end], last, phrase) and list(words[end - len(before) : end]) == before for end in ends)


def _ends(word: str, last: str, phrase: Phrase) -> bool:
    return word.startswith(last) if phrase.by_beginning else word == last
