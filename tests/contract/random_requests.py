"""Random requests: valid ones in any spelling, texts where values should be, other trees, and broken bytes."""

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from shared.contract import dates
from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, LONG, Scalar
from shared.contract.shape import Field, once_per_class, shape_of
from tests.contract.case_formats import Tree
from tests.contract.valid_requests import PUBLIC

Strategy = st.SearchStrategy[Any]


class Spelled(NamedTuple):
    """One value in two spellings, JSON's and XML's, and what both mean."""

    json: Any
    xml: Any
    meant: Any


# XML has no other control characters, and no escape for them.
_TEXTS_OF_XML = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda character: character >= " " or character in "\t\n\r"
    ),
    max_size=20,
)
# What looks like a value, or nearly.
_LOOKALIKES = st.sampled_from([
    "", " ", "0", "1", "+1", "-1", " 7\n", "1.0", "1.5", "1e3", "0x1", "2147483647", "2147483648", "-2147483649",
    "9223372036854775807", "9223372036854775808", "999999999999999", "1000000000000000", "true", "FALSE", "True", "yes",
    "null", "2013-05-07T17:30:13.123Z", "2013-05-07", "9999-12-31T23:59:59Z", "+436990000001", "436990000001", "Shop",
])  # fmt: skip
# The ids of devices are unique over the installation: small ones may be anybody's.
_DEVICE_IDS = st.sampled_from([0, -1, 2_000_000_000, 2**31 - 1, -(2**31)])
_ANY_TEXTS = st.text(st.characters(), max_size=5)
_ANY_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _ANY_TEXTS
_ANY_JSON = st.recursive(
    _ANY_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXTS, inner, max_size=3)
)
_OPERATIONS = st.sampled_from(PUBLIC)
_STRAY_BYTES = st.binary(max_size=6) | st.sampled_from([b'"', b"\\u", b"{", b"]", b"<", b"&", b"</", b"\0", b"\xff"])


def valid_requests() -> st.SearchStrategy[tuple[AnyOperation, Spelled]]:
    """Return requests that can be read, each value spelled in any of the ways that mean it."""
    return _OPERATIONS.flatmap(lambda each: st.tuples(st.just(each), _spelled_shapes(each.request)))


def text_requests() -> st.SearchStrategy[tuple[AnyOperation, Tree]]:
    """Return requests with a text for every scalar: the one kind of value that JSON and XML write alike."""
    return _OPERATIONS.flatmap(lambda each: st.tuples(st.just(each), _text_trees(each.request)))


def other_requests() -> st.SearchStrategy[tuple[AnyOperation, Tree]]:
    """Return requests of which some values are any JSON at all."""
    return valid_requests().flatmap(lambda each: st.tuples(st.just(each[0]), _with_others(*each)))


def broken(body: bytes) -> st.SearchStrategy[bytes]:
    """Return bodies that miss a piece of this one, or hold bytes that do not belong there."""
    places = st.integers(0, len(body))
    cuts = st.tuples(places, places).map(sorted)
    return st.builds(lambda cut, put: body[: cut[0]] + put + body[cut[1] :], cuts, _STRAY_BYTES)


def as_json(tree: Tree) -> bytes:
    """Return a tree's bytes, lone surrogates escaped."""
    return json.dumps(tree).encode()


@once_per_class
def _spelled_shapes(cls: type[Any]) -> st.SearchStrategy[Spelled]:
    fields = shape_of(cls).fields
    wires = {each.name: each.wire for each in fields}

    def assembled(found: dict[str, Spelled]) -> Spelled:
        return Spelled(
            {wires[name]: each.json for name, each in found.items()},
            {wires[name]: each.xml for name, each in found.items()},
            cls(**{name: each.meant for name, each in found.items()}),
        )

    return st.fixed_dictionaries({}, optional={each.name: _spelled_field(each) for each in fields}).map(assembled)


def _spelled_field(field: Field) -> st.SearchStrategy[Spelled]:
    one = _spelled_scalar(field.kind, field.wire) if isinstance(field.kind, Scalar) else _spelled_shapes(field.kind)
    return st.lists(one, max_size=3).map(_spelled_list) if field.many else one


def _spelled_list(entries: list[Spelled]) -> Spelled:
    return Spelled(
        [each.json for each in entries], [each.xml for each in entries], tuple(each.meant for each in entries)
    )


def _spelled_scalar(kind: Scalar, wire: str) -> st.SearchStrategy[Spelled]:
    if kind in (INT, LONG):
        bits = 31 if kind is INT else 63
        numbers = _DEVICE_IDS if wire == "deviceId" else st.integers(-(2**bits), 2**bits - 1) | st.integers(-1, 9)
        return numbers.flatmap(_spelled_number)
    if kind is BOOLEAN:
        return st.booleans().flatmap(_spelled_boolean)
    if kind is DATE:
        return st.integers(dates.FIRST, dates.LAST).flatmap(_spelled_date)
    trimmed = str.strip if kind is ADDRESS else str
    return (_TEXTS_OF_XML | _LOOKALIKES).map(lambda text: Spelled(text, text, trimmed(text)))


def _spelled_number(number: int) -> st.SearchStrategy[Spelled]:
    texts = [str(number), f" {number}\n", f"{number}.0", f"{number:+d}"]
    return _spellings([number, *texts], texts, number)


def _spelled_boolean(flag: bool) -> st.SearchStrategy[Spelled]:  # noqa: FBT001 - it is the value
    texts = ["true", " true ", "1"] if flag else ["false", "\tfalse", "0"]
    return _spellings([flag, int(flag), *texts, texts[0].upper()], [flag, *texts], flag)


def _spelled_date(date: int) -> st.SearchStrategy[Spelled]:
    text = DATE.to_text(date)
    return _spellings([date, str(date), text, text.replace("T", " ")], [date, text], date)


def _spellings(in_json: list[Any], in_xml: list[Any], meant: Any) -> st.SearchStrategy[Spelled]:
    return st.builds(Spelled, st.sampled_from(in_json), st.sampled_from(in_xml), st.just(meant))


@once_per_class
def _text_trees(cls: type[Any]) -> st.SearchStrategy[Tree]:
    return st.fixed_dictionaries({}, optional={each.wire: _text_field(each) for each in shape_of(cls).fields})


def _text_field(field: Field) -> Strategy:
    one: Strategy = _LOOKALIKES | _TEXTS_OF_XML if isinstance(field.kind, Scalar) else _text_trees(field.kind)
    if field.wire == "deviceId":
        one = _DEVICE_IDS.map(str) | st.sampled_from(["x", "", "1.5"])
    return st.lists(one, max_size=3) if field.many else one


def _with_others(operation: AnyOperation, spelled: Spelled) -> st.SearchStrategy[Tree]:
    wires = [each.wire for each in shape_of(operation.request).fields if each.wire != "deviceId"]
    keys = st.sampled_from([*wires, *operation.credentials.value, "unknown"])
    return st.dictionaries(keys, _ANY_JSON, min_size=1, max_size=2).map(lambda others: {**spelled.json, **others})
