"""Writing: shapes to the plain trees that JSON and XML are made of."""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from shared.contract.scalars import Scalar
from shared.contract.shape import Field, once_per_class, shape_of

Tree = dict[str, Any]
_Writer = Callable[[Any], Tree]


def to_tree(reply: object) -> Tree:
    """Return the JSON tree of a shape; an absent value has no key, or null where the contract writes one."""
    return _writer(type(reply))(reply)


def reply_tree(reply: object) -> Tree:
    """Return the whole answer of a success: `errorCode` 0 and the reply's own keys."""
    return {"errorCode": 0, **to_tree(reply)}


@once_per_class
def _writer(cls: type[Any]) -> _Writer:
    fields = shape_of(cls).fields
    values = _values(fields)
    wires = tuple(each.wire for each in fields)
    lists = tuple((each.wire, _converter(each)) for each in fields if not _is_scalar(each))
    droppable = _droppable(cls, fields)

    def write(instance: object) -> Tree:
        tree = dict(zip(wires, values(instance), strict=True))
        for wire in droppable:
            if tree[wire] is None:
                del tree[wire]
        for wire, convert in lists:
            if tree.get(wire) is not None:
                tree[wire] = convert(tree[wire])
        return tree

    return write


def _values(fields: tuple[Field, ...]) -> Callable[[Any], tuple[Any, ...]]:
    names = [each.name for each in fields]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda instance: tuple(getattr(instance, name) for name in names)


def _droppable(cls: type[Any], fields: tuple[Field, ...]) -> tuple[str, ...]:
    # Only what is None when it was left out can be None at all.
    rows = zip(fields, dataclasses.fields(cls), strict=True)
    return tuple(each.wire for each, row in rows if row.default is None and not each.null_written)


def _is_scalar(field: Field) -> bool:
    return isinstance(field.kind, Scalar) and not field.many


def _converter(field: Field) -> Callable[[Any], Any]:
    if isinstance(field.kind, Scalar):
        return list
    write = _writer(field.kind)
    if not field.many:
        return write
    return lambda entries: [write(each) for each in entries]
