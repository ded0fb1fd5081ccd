"""What a query asks for: phrases that a message must have, and phrases that it must not have."""

from typing import NamedTuple

import regex

from services.search.analysis import is_emoji, is_running, words

# A quoted phrase, which may be open at the end, or what stands between blanks and quotes; each may be refused by a
# minus that follows a blank.
_TERM = regex.compile(r'(?P<minus>(?<!\S)-+)?(?:"(?P<quoted>[^"]*)(?:"|\Z)|(?P<plain>[^\s"]+))')


class Phrase(NamedTuple):
    """Words one after the other; the last one matches every word that begins so, or itself alone."""

    words: tuple[str, ...]
    by_beginning: bool


class Query(NamedTuple):
    """All of `wanted` and none of `unwanted`; no phrase is empty or stands twice."""

    wanted: tuple[Phrase, ...]
    unwanted: tuple[Phrase, ...]

    @property
    def is_empty(self) -> bool:
        return not self.wanted and not self.unwanted


def parse(query: str) -> Query:
    """Return what a query asks for; every text is a query."""
    wanted: dict[Phrase, None] = {}
    unwanted: dict[Phrase, None] = {}
    for term in _TERM.finditer(query):
        phrase = _phrase(term)
        if phrase.words:
            (unwanted if term["minus"] else wanted)[phrase] = None
    return Query(tuple(wanted), tuple(unwanted))


def _phrase(term: regex.Match[str]) -> Phrase:
    if term["plain"] is None:
        return _of_words(words(term["quoted"]), by_beginning=False)
    by_beginning = not term["minus"] or term["plain"].endswith("*")
    return _of_words(words(term["plain"]), by_beginning=by_beginning)


def _of_words(found: list[str], *, by_beginning: bool) -> Phrase:
    if found and is_running(found[-1]):
        return _of_running_words(found)
    return Phrase(tuple(found), by_beginning and not (found and is_emoji(found[-1])))


def _of_running_words(found: list[str]) -> Phrase:
    """Return a phrase that ends with a piece of running text, which may go on behind it.

    A piece of one character begins a pair or is the last one of a run; a longer one is its pairs, without the word
    that a run would end with.
    """
    is_longer = len(found) > 1 and len(found[-2]) > 1 and is_running(found[-2])
    return Phrase(tuple(found[:-1]), by_beginning=False) if is_longer else Phrase(tuple(found), by_beginning=True)
