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


def call(query: str, headers: Mapping[str, str], content_type: str, body: bytes) -> Call:
    """Read a call; raise `Unreadable`. A field that stands there twice is its first."""
    is_form = content_type == _FORM
    query_octets = _fields(query)
    form_octets = _fields(body.decode(_OCTETS)) if is_form else {}
    rest = {
        "headers": {name.lower(): value for name, value in headers.items()},
        "json": None if is_form else _json(body),
    }
    tree = {"query": _decoded(query_octets), "form": _decoded(form_octets), **rest}
    return Call(tree, {"query": query_octets, "form": form_octets, **rest})


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
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("no JSON") from None
