"""Families of texts: any script, control characters, halves of characters, and U+0000."""

from collections.abc import Iterator

from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, STRING
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import as_json, as_xml, both, with_bytes
from tests.contract.valid_requests import FIXED, Callers, Place, full, places

_TEXTS = (
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\u0645\u0631\u062d\u0628\u0627 \u202bx\u202c",
    "e\u0301\u00e9\ufb01",
    "a\r\nb\rc\nd\te",
    "<&>\"']]>",
    "\u007f\u0080\u009f",
    "\U0010fffd\ue000",
)
_OF_JSON_ALONE = ("\x01\x08\x0b\x1f", "\ud800", "\udc00\ud800", "\ufffe\uffff", "\\u0000")
_NO_CHARACTERS_OF_XML = (b"\x01", b"&#1;", b"&#xD800;", b"&#xFFFE;", b"\xef\xbf\xbf", b"&#x110000;", b"\x0b")


def texts(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Whatever a text holds, it is no fault; but XML has no control characters: 400."""
    tree = full(operation, callers)
    for place in _texts(operation):
        if place.name in FIXED:
            continue
        for text in _TEXTS:
            yield from both(operation, f"{place.name} as {text!r}", {**tree, **place.keys_with(text)})
        for text in _OF_JSON_ALONE:
            yield as_json(operation, f"{place.name} as {text!r}", {**tree, **place.keys_with(text)})
        marked = as_xml(operation, place.name, {**tree, **place.keys_with("@@")}, status=400)
        for raw in _NO_CHARACTERS_OF_XML:
            yield with_bytes(marked, "@@", raw)


def null_characters(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """2: no known string may hold U+0000; nobody looks at unknown ones, and XML has no such character: 400."""
    tree = full(operation, callers)
    for place in _texts(operation):
        for text in ("\0", "a\0b"):
            label = f"{place.name} with U+0000"
            yield as_json(operation, label, {**tree, **place.keys_with(text)}, code=2)
        marked = as_xml(operation, place.name, {**tree, **place.keys_with("@@")}, status=400)
        yield from (with_bytes(marked, "@@", raw) for raw in (b"\0", b"&#0;"))
    yield as_json(operation, "unknown keys with U+0000", {**tree, "unknown": "\0", "a\0": "x"})


def _texts(operation: AnyOperation) -> Iterator[Place]:
    return (each for each in places(operation) if each.kind in (STRING, ADDRESS))
