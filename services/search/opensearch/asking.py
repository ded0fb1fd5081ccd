"""Asking: what is wanted, in OpenSearch's query language."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.search.index import Hit, Wanted
from services.search.opensearch.mapping import LONGEST_BEGINNING, account_key
from services.search.query import Phrase, Query

# OpenSearch takes 1,024 clauses in a query, and each word of a phrase that ends with a beginning may be one.
_MOST_CLAUSES = 900
_NEWEST_FIRST = [{"account": "asc"}, {"date_sent": "desc"}, {"message": "desc"}]
_IN_ORDER_OF_KEYS = [{"account": "asc"}, {"message": "asc"}]
# What is needed of a document stands in what it is sorted by; nothing else is read, and nothing is counted.
_BARE = {"_source": False, "stored_fields": "_none_", "track_total_hits": False}

Clause = dict[str, Any]


@dataclass(slots=True)
class Part:
    """So much of a query as OpenSearch takes at once."""

    wanted: list[Clause] = field(default_factory=list)
    unwanted: list[Clause] = field(default_factory=list)


def is_exact(query: Query) -> bool:
    """Whether only messages that match a query have all its parts."""
    return not any(map(_is_loose, (*query.wanted, *query.unwanted)))


def parts(query: Query) -> list[Part]:
    """Return a query in parts, each of which a message that matches it has; nearly always it is one.

    OpenSearch looks for a phrase with a beginning that is no word of its index by all words that begin so, of all
    accounts, and has a limit of them. So a wanted one is asked for more loosely, and an unwanted one not at all.
    """
    found = [Part()]
    room = _MOST_CLAUSES
    asked = [(phrase, True) for phrase in query.wanted]
    asked += [(phrase, False) for phrase in query.unwanted if not _is_loose(phrase)]
    for phrase, is_wanted in asked:
        weight = _weight(phrase)
        if weight > room:
            found.append(Part())
            room = _MOST_CLAUSES
        room -= weight
        (found[-1].wanted if is_wanted else found[-1].unwanted).append(_clause(phrase))
    return found


def page(wanted: Wanted, part: Part, after: Hit | None, most: int) -> dict[str, Any]:
    """Return the request for the newest documents behind `after` that match a part."""
    account = account_key(wanted.account_id)
    behind = {"search_after": [account, *after]} if after else {}
    return {**_BARE, "query": _matching(wanted, part), "sort": _NEWEST_FIRST, "size": most, **behind}


def among(wanted: Wanted, part: Part, document_ids: Sequence[str]) -> dict[str, Any]:
    """Return the request for those of some documents that match a part."""
    only = {"ids": {"values": list(document_ids)}}
    return {**_BARE, "query": _matching(wanted, part, only), "sort": _NEWEST_FIRST, "size": len(document_ids)}


def in_order(after: tuple[int, int], most: int) -> dict[str, Any]:
    """Return the request for documents of all accounts behind a key, with their versions."""
    account = account_key(after[0])
    rest_of_account = {"bool": {"filter": [_term("account", account), {"range": {"message": {"gt": after[1]}}}]}}
    behind = {"bool": {"should": [rest_of_account, {"range": {"account": {"gt": account}}}]}}
    return {**_BARE, "query": behind, "sort": _IN_ORDER_OF_KEYS, "size": most, "version": True}


def all_of(account_id: int) -> dict[str, Any]:
    """Return the query for everything of an account."""
    return {"query": _term("account", account_key(account_id))}


def _matching(wanted: Wanted, part: Part, *further: Clause) -> Clause:
    filters = [_term("account", account_key(wanted.account_id)), *further]
    if wanted.address is not None:
        filters.append(_term("address", wanted.address))
    if wanted.locked:
        filters.append(_term("locked", True))
    return {"bool": {"filter": [*filters, *part.wanted], "must_not": part.unwanted}}


def _clause(phrase: Phrase) -> Clause:
    if len(phrase.words) == 1:
        return {"prefix" if phrase.by_beginning else "term": {"text": phrase.words[0]}}
    if not phrase.by_beginning:
        return _phrase(phrase.words)
    if _is_loose(phrase):
        return _loosely(phrase.words)
    if len(phrase.words) <= _MOST_CLAUSES:
        return _with_beginning(phrase.words)
    # Nobody has a text that has both, but not one in the other.
    return {"bool": {"filter": [_phrase(phrase.words[:-1]), _with_beginning(phrase.words[-_MOST_CLAUSES:])]}}


def _weight(phrase: Phrase) -> int:
    words = len(phrase.words) + 1 if _is_loose(phrase) else len(phrase.words)
    return min(words, _MOST_CLAUSES) if phrase.by_beginning else 1


def _is_loose(phrase: Phrase) -> bool:
    return phrase.by_beginning and len(phrase.words) > 1 and _shortened(phrase.words[-1]) != phrase.words[-1]


def _loosely(words: Sequence[str]) -> Clause:
    """Return what who has the phrase has: all of it up to a shorter beginning, and a word with the whole one."""
    *before, last = words
    shorter = _clause(Phrase((*before, _shortened(last)), by_beginning=True))
    return {"bool": {"filter": [shorter, {"prefix": {"text": last}}]}}


def _shortened(beginning: str) -> str:
    """Return as much of a beginning as is a word of the index; OpenSearch measures it in units of UTF-16."""
    while len(beginning.encode("utf-16-le")) > 2 * LONGEST_BEGINNING:
        beginning = beginning[: min(LONGEST_BEGINNING, len(beginning) - 1)]
    return beginning


def _phrase(words: Sequence[str]) -> Clause:
    return {"match_phrase": {"text": " ".join(words)}}


def _with_beginning(words: Sequence[str]) -> Clause:
    return {"match_phrase_prefix": {"text": {"query": " ".join(words)}}}


def _term(name: str, value: object) -> Clause:
    return {"term": {name: value}}
