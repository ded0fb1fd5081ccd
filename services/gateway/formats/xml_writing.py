"""XML answers: the JSON tree of a reply to bytes."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from shared.contract.scalars import ADDRESS, STRING, Scalar
from shared.contract.shape import Field, once_per_class, shape_of

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile("[&<>\r]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ILLEGAL = "\ufffd"

_Out = Callable[[str], None]
_Writer = Callable[[Any, _Out], None]


def write(element: str, cls: type[Any], tree: Mapping[str, Any]) -> bytes:
    """Return the document of a reply tree: `errorCode`, then the fields of `cls` in their order.

    Keys that are absent or null have no element; keys that `cls` does not know are left out.
    """
    pieces = [_DECLARATION, f"<{element}><errorCode>{tree['errorCode']}</errorCode>"]
    _children(cls)(tree, pieces.append)
    pieces.append(f"</{element}>")
    return "".join(pieces).encode()


def escape(text: str) -> str:
    """Return text as element content; characters that XML forbids become U+FFFD."""
    return _SPECIAL.sub(_escaped, text) if _SPECIAL.search(text) else text


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], _ILLEGAL)


@once_per_class
def _children(cls: type[Any]) -> _Writer:
    rows = tuple((each.wire, _field(each)) for each in shape_of(cls).fields)

    def write_children(tree: Mapping[str, Any], out: _Out) -> None:
        for wire, writer in rows:
            value = tree.get(wire)
            if value is not None:
                writer(value, out)

    return write_children


def _field(field: Field) -> _Writer:
    one = _scalar(field.wire, field.kind) if isinstance(field.kind, Scalar) else _shape(field.wire, field.kind)
    return _list(one) if field.many else one


def _scalar(wire: str, scalar: Scalar) -> _Writer:
    start, end, to_text = f"<{wire}>", f"</{wire}>", _to_text(scalar)

    def write_scalar(value: Any, out: _Out) -> None:
        out(f"{start}{to_text(value)}{end}")

    return write_scalar


def _to_text(scalar: Scalar) -> Callable[[Any], str]:
    # Numbers, booleans and dates have nothing to escape.
    return escape if scalar in (STRING, ADDRESS) else scalar.to_text


def _shape(wire: str, cls: type[Any]) -> _Writer:
    start, end, children = f"<{wire}>", f"</{wire}>", _children(cls)

    def write_shape(tree: Any, out: _Out) -> None:
        out(start)
        children(tree, out)
        out(end)

    return write_shape


def _list(one: _Writer) -> _Writer:
    def write_list(values: Any, out: _Out) -> None:
        for each in values:
            one(each, out)

    return write_list
