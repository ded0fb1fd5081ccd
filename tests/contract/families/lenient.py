"""Family of lenient input: what the original's parser reads, though nobody should write it."""

import json
from collections.abc import Iterator
from typing import Any

from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, BOOLEAN, INT, LONG, STRING
from tests.contract.case_formats import Tree
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import as_json, as_xml, both, with_bytes
from tests.contract.valid_requests import FIXED, Callers, Place, full, places, valid

_OTHER_SPELLINGS: dict[str, tuple[Any, ...]] = {
    BOOLEAN.name: (1, 0, "1", "0", "true", "false", "FALSE", "True", " true ", ""),
    STRING.name: (12345, -1, 1.5, True, False),
    ADDRESS.name: (12345, -1, True),
}
_BOOLEANS_OF_XML = ("true", "false", "1", "0", " true\n", "")
_BYTES = (("Latin-1", b"gr\xfcn"), ("UTF-8", b"gr\xc3\xbcn"), ("half a character", b"gr\xc3"))


def lenient(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Other spellings of a value, absent values, unknown keys, repeated keys, bytes that do not fit the charset."""
    tree = full(operation, callers)
    yield from both(operation, "every field", tree)
    yield from both(operation, "nothing optional", valid(operation, callers))
    yield from both(operation, "in another order", dict(reversed(tree.items())))
    yield from both(operation, "unknown keys", {"a": "x", **tree, "b": {"x": ["1", {"y": "z"}]}, "c": None})
    for place in places(operation):
        yield from _spelled(operation, place, tree)
    yield from _repeated_keys(operation, tree)
    for label, raw in _BYTES:
        for exchange in both(operation, f"bytes of {label}", {**tree, "unknown": "@@"}):
            yield with_bytes(exchange, "@@", raw)


def _spelled(operation: AnyOperation, place: Place, tree: Tree) -> Iterator[Exchange]:
    if place.name in FIXED:
        return
    for value in _spellings(place):
        yield as_json(operation, f"{place.name} as {value!r}", {**tree, **place.keys_with(value)})
    for value in _texts_of_xml(place):
        yield as_xml(operation, f"{place.name} as {value!r}", {**tree, **place.keys_with(value)})
    if not place.required and place.name == place.field.wire:
        yield from both(operation, f"{place.name} as null", {**tree, place.name: None})


def _spellings(place: Place) -> tuple[Any, ...]:
    if place.kind in (INT, LONG):
        return (*_numbers(place), float(place.valid))
    return _OTHER_SPELLINGS.get(place.kind.name, ())


def _texts_of_xml(place: Place) -> tuple[str, ...]:
    if place.kind in (INT, LONG):
        return _numbers(place)
    return _BOOLEANS_OF_XML if place.kind is BOOLEAN else ()


def _numbers(place: Place) -> tuple[str, ...]:
    number = place.valid
    spelled = (str(number), f"+{number}", f" {number}\n", f"{number}.0")
    return spelled if place.required else (*spelled, "", " ")


def _repeated_keys(operation: AnyOperation, tree: Tree) -> Iterator[Exchange]:
    wrong, right = json.dumps({key: [{"x": None}] for key in tree}), json.dumps(tree)
    for label, first, last, status in (
        ("every key twice, the last one right", wrong, right, 200),
        ("every key twice, the last one wrong", right, wrong, 400),
    ):
        body = f"{first[:-1]}, {last[1:]}".encode()
        yield Exchange(operation=operation, form="json", label=label, body=body, status=status)
