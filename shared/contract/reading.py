"""Reading: plain trees of JSON or XML to shapes, and the checks of a request that need no worker.

What a shape needs is compiled once into tuples of readers; a request costs one look-up for each known field.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, STRING, Scalar, Unreadable
from shared.contract.shape import Field, Rule, once_per_class, shape_of

T = TypeVar("T")
XmlNode: TypeAlias = "str | dict[str, list[XmlNode]]"

_Reader = Callable[[Any], Any]
_Rows = tuple[tuple[str, str, _Reader], ...]
_Check = Callable[[Any], bool]


def read_json(cls: type[T], tree: Mapping[str, Any]) -> T:
    """Read a tree as a JSON parser gives it; raise `Unreadable` where it does not fit."""
    return _read(cls, _json_rows(cls), tree)


def read_xml(cls: type[T], tree: Mapping[str, list[XmlNode]]) -> T:
    """Read an element's children, each name with all its nodes; raise `Unreadable` where they do not fit."""
    return _read(cls, _xml_rows(cls), tree)


def violation(operation: AnyOperation, request: object) -> Fault | None:
    """Return the first fault that can be found without a worker: code 2, then the operation's rule."""
    if not _holds(request):
        return Fault.PARAMETER_MISSING
    return operation.rule(request) if operation.rule else None


def _read(cls: type[T], rows: _Rows, tree: Mapping[str, Any]) -> T:
    found = {}
    for name, wire, reader in rows:
        raw = tree.get(wire)
        if raw is not None:
            value = reader(raw)
            if value is not None:
                found[name] = value
    return cls(**found)


@once_per_class
def _json_rows(cls: type[Any]) -> _Rows:
    return tuple((each.name, each.wire, _json_reader(each)) for each in shape_of(cls).fields)


def _json_reader(field: Field) -> _Reader:
    one = field.kind.from_json if isinstance(field.kind, Scalar) else _json_shape(field.kind)
    return _json_list(one, field.limit) if field.many else one


def _json_shape(cls: type[Any]) -> _Reader:
    def read(raw: object) -> Any:
        if type(raw) is not dict:
            raise Unreadable("not an object")
        return read_json(cls, raw)

    return read


def _json_list(one: _Reader, limit: int | None) -> _Reader:
    def read(raw: object) -> tuple[Any, ...]:
        if type(raw) is not list:
            raise Unreadable("not a list")
        return _entries(one, raw, limit)

    return read


@once_per_class
def _xml_rows(cls: type[Any]) -> _Rows:
    return tuple((each.name, each.wire, _xml_reader(each)) for each in shape_of(cls).fields)


def _xml_reader(field: Field) -> _Reader:
    one = _xml_scalar(field.kind) if isinstance(field.kind, Scalar) else _xml_shape(field.kind)

    def read_list(nodes: list[XmlNode]) -> tuple[Any, ...]:
        return _entries(one, nodes, field.limit)

    def read_one(nodes: list[XmlNode]) -> Any:
        if len(nodes) != 1:
            raise Unreadable("an element is repeated that is no list")
        return one(nodes[0])

    return read_list if field.many else read_one


def _xml_scalar(scalar: Scalar) -> _Reader:
    from_text = scalar.from_text

    def read(node: XmlNode) -> Any:
        if type(node) is not str:
            raise Unreadable("children in a scalar")
        return from_text(node)

    return read


def _xml_shape(cls: type[Any]) -> _Reader:
    def read(node: XmlNode) -> Any:
        if isinstance(node, dict):
            return read_xml(cls, node)
        if node.strip():
            raise Unreadable("text where elements are expected")
        return cls()

    return read


def _entries(one: _Reader, raw: list[Any], limit: int | None) -> tuple[Any, ...]:
    if limit is not None:
        # One more than the limit is refused all the same; a body holds so many that reading them holds up everybody.
        raw = raw[: limit + 1]
    entries = tuple([one(each) for each in raw if each is not None])
    if len(entries) != len(raw) or None in entries:
        raise Unreadable("an entry of a list is absent")
    return entries


def _holds(instance: object) -> bool:
    return all(check(getattr(instance, name)) for name, check in _checks(type(instance)))


@once_per_class
def _checks(cls: type[Any]) -> tuple[tuple[str, _Check], ...]:
    return tuple((each.name, check) for each in shape_of(cls).fields for check in _field_checks(each))


def _field_checks(field: Field) -> list[Rule]:
    checks: list[Rule] = [bool] if field.required else []
    if field.limit is not None:
        checks.append(_at_most(field.limit))
    if field.rule:
        checks.append(field.rule)
    entry = _entry_check(field.kind)
    if entry:
        checks.append(_each(entry) if field.many else entry)
    return checks


def _entry_check(kind: Scalar | type[Any]) -> _Check | None:
    if not isinstance(kind, Scalar):
        return _holds_or_absent
    return _no_null if kind in (STRING, ADDRESS) else None


def _at_most(limit: int) -> Rule:
    return lambda entries: len(entries) <= limit


def _each(check: _Check) -> _Check:
    def holds(entries: tuple[Any, ...]) -> bool:
        return all(map(check, entries))

    return holds


def _holds_or_absent(instance: object) -> bool:
    return instance is None or _holds(instance)


def _no_null(text: str | None) -> bool:
    # Postgres stores every character but this one.
    return text is None or "\0" not in text
