"""What OpenSearch is asked and told: no request is larger than it takes."""

import json

import pytest

from services.search.index import Document, Gone, Hit, Wanted
from services.search.opensearch import asking, bulk
from services.search.opensearch.bulk import IndexRefused
from services.search.opensearch.client import MissingIndex
from services.search.opensearch.mapping import account_key
from services.search.query import Phrase, Query, parse
from shared.contract.faults import Away

# What OpenSearch is set to.
MOST_CLAUSES = 1024


def wanted(query: Query) -> Wanted:
    return Wanted(7, query, "+43", locked=True)


def weight(part: asking.Part) -> int:
    """Return how many clauses OpenSearch counts in a part, where each word of a phrase with a beginning is one."""
    return sum(map(clauses, (*part.wanted, *part.unwanted)))


def clauses(clause: asking.Clause) -> int:
    if "bool" in clause:
        return sum(map(clauses, clause["bool"]["filter"]))
    phrase = clause.get("match_phrase_prefix")
    return len(phrase["text"]["query"].split()) if phrase else 1


@pytest.mark.parametrize(
    "query",
    [
        " ".join(f"w{number}" for number in range(1400)),
        " ".join(f"-w{number}" for number in range(1300)),
        " ".join(f"a{number}-b" for number in range(1000)),
        " ".join(f"a{number}-beginning" for number in range(1000)),
        " ".join(f'"a{number} b"' for number in range(700)),
        "-".join(f"w{number}" for number in range(1024)),
        "one two -three",
    ],
)
def test_no_part_of_a_query_is_too_large_and_none_is_lost(query: str) -> None:
    parsed = parse(query)
    parts = asking.parts(parsed)
    assert all(weight(part) + 3 < MOST_CLAUSES for part in parts)
    assert sum(len(part.wanted) for part in parts) == len(parsed.wanted)
    assert sum(len(part.unwanted) for part in parts) == len(parsed.unwanted)


def test_an_everyday_query_is_one_request() -> None:
    (part,) = asking.parts(parse('red "blue" "two words" wi-fi -not -no*'))
    request = asking.page(wanted(Query((), ())), part, Hit(5, 9), 10)
    assert request["query"]["bool"]["filter"] == [
        {"term": {"account": account_key(7)}},
        {"term": {"address": "+43"}},
        {"term": {"locked": True}},
        {"prefix": {"text": "red"}},
        {"term": {"text": "blue"}},
        {"match_phrase": {"text": "two words"}},
        {"match_phrase_prefix": {"text": {"query": "wi fi"}}},
    ]
    assert request["query"]["bool"]["must_not"] == [{"term": {"text": "not"}}, {"prefix": {"text": "no"}}]
    assert request["search_after"] == [account_key(7), 5, 9]


@pytest.mark.parametrize(
    ("beginning", "asked"),
    [
        ("beginning", "beginnin"),
        ("beginningofalongword", "beginnin"),
        ("bbbbbbb\U00010330", "bbbbbbb"),
        ("\U00010330" * 5, "\U00010330" * 4),
    ],
)
def test_a_phrase_that_ends_with_a_long_beginning_is_asked_for_more_loosely(beginning: str, asked: str) -> None:
    """OpenSearch would look for it by a limited number of words, which may all be others' than the account's."""
    query = parse(f"order-{beginning} -two-{beginning}* -x*")
    (part,) = asking.parts(query)
    phrase = {"match_phrase_prefix": {"text": {"query": f"order {asked}"}}}
    assert part.wanted == [{"bool": {"filter": [phrase, {"prefix": {"text": beginning}}]}}]
    assert part.unwanted == [{"prefix": {"text": "x"}}]
    assert not asking.is_exact(query)


def test_what_needs_no_look_at_the_texts() -> None:
    for query in ("beginning", "-beginning*", '"order beginning"', "order-beginnin", "-order-beginning", "a -b-c*"):
        assert asking.is_exact(parse(query)), query
    assert not asking.is_exact(parse("a -order-beginning*"))


def test_a_phrase_longer_than_a_query_may_be_asks_for_its_end() -> None:
    words = tuple(f"w{number}" for number in range(2000))
    (part,) = asking.parts(Query((Phrase(words, by_beginning=True),), ()))
    begun, ended = part.wanted[0]["bool"]["filter"]
    assert begun["match_phrase"]["text"].split() == list(words[:-1])
    end = ended["match_phrase_prefix"]["text"]["query"].split()
    assert end == list(words[-len(end) :])
    assert len(end) < MOST_CLAUSES


def test_accounts_have_the_order_of_their_numbers() -> None:
    accounts = [0, 1, 2, 10, 99, 100, 2**62, 2**63 - 1]
    assert sorted(map(account_key, accounts)) == [account_key(each) for each in accounts]
    assert [int(account_key(each)) for each in accounts] == accounts


def document(message_id: int, words: str = "x") -> Document:
    return Document(7, message_id, 3, "+43", False, 5, words)


def test_changes_are_split_by_their_octets() -> None:
    changes: list[Document | Gone] = [
        document(1, "a" * 60),
        document(2, "b" * 900),
        document(3),
        Gone(7, 4, 9),
        document(5),
    ]
    bodies = [[json.loads(line) for line in body.splitlines()] for body in bulk.parts(changes, octets=700)]
    actions = [[each.get("index", each.get("delete")) for each in body] for body in bodies]
    ids = [[each["_id"] for each in body if each] for body in actions]
    assert ids == [["7:1"], ["7:2"], ["7:3", "7:4", "7:5"]]
    assert list(bulk.parts([])) == []
    (action,) = map(json.loads, next(bulk.parts([Gone(7, 4, 9)])).splitlines())
    assert action == {"delete": {"_id": "7:4", "routing": "7", "version": 9, "version_type": "external"}}


def item(status: int, error: str = "") -> dict[str, object]:
    return {"index": {"status": status, **({"error": {"type": error}} if error else {})}}


@pytest.mark.parametrize("error", ["index_closed_exception", "cluster_block_exception"])
def test_an_index_that_takes_nothing_is_no_document_s_fault(error: str) -> None:
    with pytest.raises(Away):
        bulk.check({"errors": True, "items": [item(400, error)]})


def test_what_was_written_before_is_a_success() -> None:
    conflict = item(409, "version_conflict_engine_exception")
    bulk.check({"errors": True, "items": [item(201), conflict, {"delete": {"status": 404, "result": "not_found"}}]})


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([201, 400], IndexRefused),
        ([400, 429], Away),
        ([429, 400], Away),
        ([403], Away),
        ([503], Away),
        ([404], MissingIndex),
    ],
)
def test_what_cannot_be_written_is_told(statuses: list[int], expected: type[Exception]) -> None:
    items = [item(status, "some_exception" if status != 201 else "") for status in statuses]
    with pytest.raises(expected):
        bulk.check({"errors": True, "items": items})
