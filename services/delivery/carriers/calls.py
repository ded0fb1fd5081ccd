"""What a carrier called us with, as a tree for expressions."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

# Keeps every octet, whatever it means.
_OCTETS = "latin-1"
_FALLBACK = "windows-1252"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 200


class Unreadable(ValueError):  # noqa: N818 - it is what the call is
    """A call that cannot be read; says why, without what it holds."""


class Call(NamedTuple):
    """A call as a tree, and as one whose texts in `query` and `form` are octets, for what is not in UTF-8."""

    tree: Mapping[str, Any]
    octets: Mapping[str, Any]


def outside(query: str, headers: Mapping[str, str]) -> Call:
    """Read what a call says outside of its body; raise `Unreadable`. A field that stands there twice is its first."""
    octets = _fields(query)
    rest = {"form": {}, "json": None, "headers": {name.lower(): value for name, value in headers.items()}}
    return Call({"query": _decoded(octets), **rest}, {"query": octets, **rest})


def whole(outer: Call, content_type: str, body: bytes) -> Call:
    """Return a call with what its body says; raise `Unreadable` for a form. A body of another kind says nothing."""
    if content_type == _FORM:
        octets = _fields(body.decode(_OCTETS))
        return Call({**outer.tree, "form": _decoded(octets)}, {**outer.octets, "form": octets})
    json = _json(body)
    return Call({**outer.tree, "json": json}, {**outer.octets, "json": json})


def items(call: Call, many: Iterable[Any] | None) -> Iterable[Call]:
    """Return a call for each of the things that it brings."""
    if many is None:
        return [call]
    return [Call({**call.tree, "item": each}, {**call.octets, "item": each}) for each in many]


def _fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding=_OCTETS, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Unreadable("too many fields") from None
    return dict(reversed(pairs))


def _decoded(fields: Mapping[str, str]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in fields.items()}


def _text(octets: str) -> str:
    try:
        return octets.encode(_OCTETS).decode("utf-8")
    except UnicodeDecodeError:
        return octets.encode(_OCTETS).decode(_FALLBACK, "replace")


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # What the expressions ask for may all stand in the query.
        return None
