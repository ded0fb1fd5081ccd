"""Random requests and replies: JSON and XML give back what went in, and agree."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.formats import json_format, xml_format, xml_writing
from shared.contract import dates
from shared.contract.catalogue import OPERATIONS
from shared.contract.reading import read_json, read_xml
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, LONG, STRING, Scalar
from shared.contract.shape import Field, shape_of
from shared.contract.writing import reply_tree

CLASSES = sorted({cls for each in OPERATIONS for cls in (each.request, each.reply)}, key=lambda cls: cls.__name__)

# XML has no other control characters, and no escape for them.
_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda character: character >= " " or character in "\t\n\r"
    )
)
_VALUES: tuple[tuple[Scalar, st.SearchStrategy[Any]], ...] = (
    (INT, st.integers(-(2**31), 2**31 - 1)),
    (LONG, st.integers(-(2**63), 2**63 - 1)),
    (BOOLEAN, st.booleans()),
    (STRING, _TEXTS),
    (ADDRESS, _TEXTS.map(str.strip)),
    (DATE, st.integers(dates.FIRST, dates.LAST)),
)


def _instances(cls: type[Any]) -> st.SearchStrategy[Any]:
    # A field left out keeps its default, so that absent values come up too.
    fields = {each.name: _values(each) for each in shape_of(cls).fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda found: cls(**found))


def _values(field: Field) -> st.SearchStrategy[Any]:
    one = _scalars(field.kind) if isinstance(field.kind, Scalar) else _instances(field.kind)
    return st.lists(one, max_size=3).map(tuple) if field.many else one


def _scalars(kind: Scalar) -> st.SearchStrategy[Any]:
    return next(values for scalar, values in _VALUES if scalar is kind)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CLASSES).flatmap(_instances))
def test_both_formats_give_back_what_went_in(instance: Any) -> None:
    cls, tree = type(instance), reply_tree(instance)
    from_json = json_format.parse(orjson.dumps(tree), None)
    from_xml = xml_format.parse(xml_writing.write("r", cls, tree), None, "r")
    assert from_json == tree
    assert from_xml.pop("errorCode") == ["0"]
    assert read_json(cls, from_json) == read_xml(cls, from_xml) == instance
