"""Shapes: the requests, replies and list entries of the contract, as dataclasses whose fields carry their wire row."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.contract.scalars import Scalar

Rule = Callable[[Any], bool]
_ROW = "wire"
_Made = TypeVar("_Made")


def once_per_class(make: Callable[[type[Any]], _Made]) -> Callable[[type[Any]], _Made]:
    """Remember what `make` returned for each class."""
    made: dict[type[Any], _Made] = {}

    def remembered(cls: type[Any]) -> _Made:
        if cls not in made:
            made[cls] = make(cls)
        return made[cls]

    return remembered


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a shape.

    `kind` is a scalar, or the dataclass of a nested shape; `many` makes it a list of these. `required` means that
    missing or empty (an id of 0) is code 2, and so is a value that breaks `rule`, or a list of more than `limit`.
    """

    name: str
    wire: str
    kind: "Scalar | type[Any]"
    many: bool
    required: bool
    rule: Rule | None
    limit: int | None
    null_written: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The wire form of one dataclass: its element name and its fields in written order."""

    element: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    kind: "Scalar | type[Any]"
    many: bool = False
    required: bool = False
    rule: Rule | None = None
    limit: int | None = None
    null_written: bool = False


def required(scalar: Scalar, rule: Rule | None = None) -> Any:
    """Declare a field that must be sent and not be empty (an id: not 0); otherwise code 2."""
    return dataclasses.field(default=scalar.absent, metadata={_ROW: _Row(scalar, required=True, rule=rule)})


def value(scalar: Scalar, rule: Rule | None = None) -> Any:
    """Declare a primitive: 0, false or empty when it is left out."""
    return dataclasses.field(default=scalar.absent, metadata={_ROW: _Row(scalar, rule=rule)})


def optional(scalar: Scalar, rule: Rule | None = None, *, default: Any = None, null_written: bool = False) -> Any:
    """Declare a field that is `default` when absent; `null_written` writes the absent value as JSON `null`."""
    row = _Row(scalar, rule=rule, null_written=null_written)
    return dataclasses.field(default=default, metadata={_ROW: row})


def many(
    kind: "Scalar | type[Any]", rule: Rule | None = None, *, required: bool = False, limit: int | None = None
) -> Any:
    """Declare a list of scalars or shapes, an empty tuple when absent; the rule sees the whole list.

    A list of more than `limit` entries is read only so far that this is known.
    """
    row = _Row(kind, many=True, required=required, rule=rule, limit=limit)
    return dataclasses.field(default=(), metadata={_ROW: row})


@once_per_class
def shape_of(cls: type[Any]) -> Shape:
    """Return the wire form of a dataclass whose fields were declared with the functions above."""
    fields = tuple(_field(each) for each in dataclasses.fields(cls))
    return Shape(_lower_first(cls.__name__), fields)


def _field(each: "dataclasses.Field[Any]") -> Field:
    row: _Row = each.metadata[_ROW]
    wire = wire_name(each.name)
    return Field(each.name, wire, row.kind, row.many, row.required, row.rule, row.limit, row.null_written)


def wire_name(name: str) -> str:
    """Return the name of a field as it is on the wire."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]
