"""Family of long lists: 1,000 entries fit, counted as sent, and one more is code 2."""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.contract.operation import AnyOperation
from shared.contract.scalars import INT, Scalar
from shared.contract.shape import Field, shape_of
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import as_json, both
from tests.contract.valid_requests import Callers, full

_MOST = 1000


def lists(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Send lists of 1,000 and of 1,001 entries, all different and all the same."""
    tree = full(operation, callers)
    for field in shape_of(operation.request).fields:
        if field.limit is not None:
            entry = tree[field.wire][0]
            for label, entries in (("different", _different(field, entry)), ("equal", [entry] * (_MOST + 1))):
                fits, excess = {**tree, field.wire: entries[:_MOST]}, {**tree, field.wire: entries}
                yield from both(operation, f"1,000 {label} {field.wire}", fits)
                yield from both(operation, f"1,001 {label} {field.wire}", excess, code=2)
            many = {**tree, field.wire: [entry] * (2 * _MOST)}
            yield as_json(operation, f"2,000 {field.wire}", many, code=2)


def _different(field: Field, entry: Any) -> Sequence[Any]:
    places = range(_MOST + 1)
    if not isinstance(field.kind, Scalar):
        return [{**entry, "deviceMessageId": 1 + place} for place in places]
    return [entry - place if field.kind is INT else f"{entry}{place}" for place in places]
