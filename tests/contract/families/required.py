"""Family of code 2 for fields that are missing or empty."""

from collections.abc import Iterator
from typing import Any

from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, INT, LONG, STRING, Scalar
from shared.contract.shape import Field, shape_of
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import both
from tests.contract.valid_requests import Callers, full

_EMPTY: dict[str, tuple[Any, ...]] = {
    STRING.name: ("",),
    ADDRESS.name: ("", " \t\r\n "),
    INT.name: (0, "", "0", "+0"),
    LONG.name: (0, "", "0", "-0"),
}


def required(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """2: a required field is missing or empty, an id 0."""
    tree = full(operation, callers)
    fields = [each for each in shape_of(operation.request).fields if each.required]
    for field in fields:
        rest = {key: value for key, value in tree.items() if key != field.wire}
        yield from both(operation, f"{field.wire} left out", rest, code=2)
        for value in (None, *_empty(field)):
            yield from both(operation, f"{field.wire} as {value!r}", {**tree, field.wire: value}, code=2)
    if fields:
        yield from both(operation, "no field at all", callers.secrets(operation), code=2)


def _empty(field: Field) -> tuple[Any, ...]:
    assert isinstance(field.kind, Scalar)
    return ([],) if field.many else _EMPTY[field.kind.name]
