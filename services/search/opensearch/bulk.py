"""Bulk writes: changes as OpenSearch takes them, and what it answers to each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from services.search.index import Document, Gone
from services.search.opensearch.client import MissingIndex
from services.search.opensearch.mapping import account_key
from shared.contract.faults import Away

# What OpenSearch takes at once without holding up others.
PART_OCTETS = 1_048_576

_BAD_REQUEST = 400
# What refuses every document alike.
_CLOSED = frozenset({"index_closed_exception", "cluster_block_exception"})
_NOT_FOUND = 404
_CONFLICT = 409


class IndexRefused(Exception):  # noqa: N818 - it is what happened
    """OpenSearch says that the request is wrong; the text names the kind of error only, since more may show a text."""


def parts(changes: Sequence[Document | Gone], octets: int = PART_OCTETS) -> Iterator[bytes]:
    """Return the bodies of bulk requests, each of at most so many octets, a longer change by itself."""
    part: list[bytes] = []
    room = octets
    for lines in map(_lines, changes):
        if part and len(lines) > room:
            yield b"".join(part)
            part, room = [], octets
        part.append(lines)
        room -= len(lines)
    if part:
        yield b"".join(part)


def _lines(change: Document | Gone) -> bytes:
    action = {
        "_id": document_id(change.account_id, change.message_id),
        "routing": str(change.account_id),
        "version": change.change_seq,
        "version_type": "external",
    }
    if isinstance(change, Gone):
        return orjson.dumps({"delete": action}, option=orjson.OPT_APPEND_NEWLINE)
    lines = ({"index": action}, _document(change))
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def document_id(account_id: int, message_id: int) -> str:
    """Return the id of a message's document."""
    return f"{account_id}:{message_id}"


def _document(document: Document) -> dict[str, object]:
    return {
        "account": account_key(document.account_id),
        "message": document.message_id,
        "date_sent": document.date_sent,
        "address": document.address,
        "locked": document.locked,
        "text": document.words,
    }


def check(answer: Mapping[str, Any]) -> None:
    """Raise `Away` where an item could not be written now, or `IndexRefused` where one never can be."""
    if "errors" not in answer:
        raise Away("something else than OpenSearch answered")
    if not answer["errors"]:
        return
    failures = [failure for failure in map(_failure, chain.from_iterable(map(dict.values, answer["items"]))) if failure]
    for failure in sorted(failures, key=lambda each: not isinstance(each, Away)):
        raise failure


def _failure(item: Mapping[str, Any]) -> Exception | None:
    status = item["status"]
    # An older state lost to a newer one; the other is a delete of what was never there.
    if status < _BAD_REQUEST or status == _CONFLICT or "error" not in item:
        return None
    if status == _NOT_FOUND:
        return MissingIndex()
    kind = item["error"].get("type", "unknown")
    if status == _BAD_REQUEST and kind not in _CLOSED:
        return IndexRefused(kind)
    return Away(f"OpenSearch answered {status} for a document")
