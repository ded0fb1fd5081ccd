"""What an answer may hold: the documented keys, each of its type, and nothing beside them."""

import dataclasses
from typing import Any

from shared.contract import dates
from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, LONG, STRING, Scalar
from shared.contract.shape import Field, shape_of
from tests.contract.case_formats import Tree

_RANGES: dict[str, tuple[int, int]] = {
    INT.name: (-(2**31), 2**31 - 1),
    LONG.name: (-(2**63), 2**63 - 1),
    DATE.name: (dates.FIRST, dates.LAST),
}
_TYPES: dict[str, type] = {
    INT.name: int,
    LONG.name: int,
    DATE.name: int,
    BOOLEAN.name: bool,
    STRING.name: str,
    ADDRESS.name: str,
}


def undocumented(operation: AnyOperation, tree: Tree) -> str:
    """Return what an answer has or lacks against its documentation, or nothing."""
    if type(tree.get("errorCode")) is not int:
        return f"errorCode is {tree.get('errorCode')!r}"
    if tree["errorCode"]:
        return "" if tree.keys() == {"errorCode"} else f"a fault with {sorted(tree)}"
    return _of_shape(operation.reply, {key: value for key, value in tree.items() if key != "errorCode"})


def _of_shape(cls: type[Any], tree: Tree) -> str:
    rows = {each.wire: each for each in shape_of(cls).fields}
    unknown = tree.keys() - rows.keys()
    missing = _always(cls) - tree.keys()
    if unknown or missing:
        return f"{sorted(unknown)} too many, {sorted(missing)} missing in {cls.__name__}"
    found = (_of_field(rows[wire], value) for wire, value in tree.items())
    return next((each for each in found if each), "")


def _always(cls: type[Any]) -> set[str]:
    pairs = zip(shape_of(cls).fields, dataclasses.fields(cls), strict=True)
    return {field.wire for field, declared in pairs if field.null_written or declared.default is not None}


def _of_field(field: Field, value: Any) -> str:
    if value is None:
        return "" if field.null_written else f"{field.wire} is null"
    if field.many and not isinstance(value, list):
        return f"{field.wire} is no list"
    entries = value if field.many else [value]
    found = (_of_kind(field, each) for each in entries)
    return next((each for each in found if each), "")


def _of_kind(field: Field, value: Any) -> str:
    if not isinstance(field.kind, Scalar):
        return _of_shape(field.kind, value) if isinstance(value, dict) else f"{field.wire} holds {value!r}"
    found = type(value)
    if found is not _TYPES[field.kind.name]:
        return f"{field.wire} is a {found.__name__}"
    if field.kind.name in _RANGES:
        low, high = _RANGES[field.kind.name]
        return "" if low <= value <= high else f"{field.wire} is out of range"
    return ""
