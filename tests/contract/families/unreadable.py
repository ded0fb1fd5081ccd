"""Family of what cannot be read: HTTP 400."""

from collections.abc import Iterator
from typing import Any

from shared.contract.operation import AnyOperation
from shared.contract.scalars import BOOLEAN, INT, LONG, Scalar
from shared.contract.shape import Field, shape_of
from tests.contract.case_formats import Tree
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import as_json, as_xml
from tests.contract.valid_requests import Callers, Place, full, places

_NO_NUMBER = ("x", "1x", "0x10", "1 2", "--1", "1e", "1.5", "NaN", "\u0661", "9" * 41)
_NO_BOOLEAN = ("yes", "2", "null", "10")
_NO_OBJECT = (b"[]", b"null", b"1", b'"x"', b"{} {}", b"{,}", b'{"a":NaN}', b"{'a':1}", b"{a:1}", b'{"a":"\n"}', b"{]")


def unreadable(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Another container than expected, no number, one out of its range, no boolean, null in a list, no object."""
    tree = full(operation, callers)
    yield from _secrets(operation, tree)
    for place in places(operation):
        for value in (*_containers(place), *_of_json(place.kind)):
            yield as_json(operation, f"{place.name} as {value!r}", {**tree, **place.keys_with(value)}, status=400)
        for value in _of_xml(place):
            yield as_xml(operation, f"{place.name} as {value!r}", {**tree, **place.keys_with(value)}, status=400)
    for field in shape_of(operation.request).fields:
        if field.many:
            yield from _lists(operation, field, tree)
    for body in _NO_OBJECT:
        yield Exchange(operation=operation, form="json", label=repr(body), body=body, status=400)


def _secrets(operation: AnyOperation, tree: Tree) -> Iterator[Exchange]:
    for secret in operation.credentials.value:
        for value in ([tree[secret]], {}, {"x": tree[secret]}):
            yield as_json(operation, f"{secret} as {type(value)}", {**tree, secret: value}, status=400)
        for value in ([tree[secret]] * 2, {"x": tree[secret]}):
            yield as_xml(operation, f"{secret} as {type(value)}", {**tree, secret: value}, status=400)


def _containers(place: Place) -> tuple[Any, ...]:
    return ([place.valid], [], {}, {"x": place.valid})


def _of_json(kind: Scalar) -> tuple[Any, ...]:
    if kind in (INT, LONG):
        beyond = 2**31 if kind is INT else 2**63
        return (*_NO_NUMBER, 1.5, 1e300, beyond, -beyond - 1, str(beyond), True)
    return (*_NO_BOOLEAN, 2, -1, 0.5) if kind is BOOLEAN else ()


def _of_xml(place: Place) -> tuple[Any, ...]:
    texts = [each for each in _of_json(place.kind) if isinstance(each, str)]
    return (*texts, {"x": "1"}) if place.field.many else (*texts, {"x": "1"}, [place.valid] * 2)


def _lists(operation: AnyOperation, field: Field, tree: Tree) -> Iterator[Exchange]:
    entry = tree[field.wire][0]
    wrong: tuple[Any, ...] = (entry, 1, "", {}, [None], [entry, None], [[entry]], [[]])
    for value in wrong:
        yield as_json(operation, f"{field.wire} as {value!r}", {**tree, field.wire: value}, status=400)
    if not isinstance(field.kind, Scalar):
        yield as_json(operation, f"{field.wire} of texts", {**tree, field.wire: ["text"]}, status=400)
        yield as_xml(operation, f"{field.wire} of texts", {**tree, field.wire: ["text"]}, status=400)
