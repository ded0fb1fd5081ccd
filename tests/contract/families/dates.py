"""Family of dates: every form that is read, and what is none."""

from collections.abc import Iterator
from typing import Any

from shared.contract.operation import AnyOperation
from shared.contract.scalars import DATE
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import as_json, as_xml
from tests.contract.valid_requests import Callers, Place, full, places

_OF_BOTH = (
    "2013-05-07T17:30:13.123Z",
    " 2013-05-07T17:30:13Z\n",
    "2013-05-07T19:30:13.1234567+02:00",
    "2013-05-07T17:30:13",
    "2013-05-07T24:00:00Z",
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999-14:00",
    "0001-01-01T00:00:00Z",
    "",
    " ",
)
_OF_JSON: tuple[Any, ...] = (
    1367947813123,
    1367947813123.0,
    0,
    -1,
    -62135596800000,
    "1367947813123",
    "-1",
    "2013-05-07",
    "2013-05-07 17:30:13",
    "2013-05-07T19:30:13+0200",
    "2013-05-07T19:30+02",
    None,
)
_FAR: tuple[Any, ...] = ("9999-12-31T23:59:59.999Z", 253402300799999)
_NONE_OF_BOTH = (
    "yesterday",
    "2013-02-30T00:00:00Z",
    "2013-05-07T25:00:00Z",
    "2013-05-07T12:60:00Z",
    "2013-05-07T12:00:00+15:00",
    "10000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-00:01",
    "0000-01-01T00:00:00Z",
    "253402300800000",
)
_NONE_OF_JSON: tuple[Any, ...] = (253402300800000, 1.5, 1e300, True, [1367947813123], {})
_NONE_OF_XML = ("1367947813123", "2013-05-07", "2013-05-07 17:30:13Z", "2013-05-07T17:30Z", "2013-05-07T17:30:13+0200")


def dates(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Numbers, numeric strings and ISO-8601 in JSON, xs:dateTime in XML, from year 1 to year 9999."""
    tree = full(operation, callers)
    for place in places(operation):
        if place.kind is DATE:
            for value in (*_OF_BOTH, *_OF_JSON, *_far(place)):
                yield as_json(operation, f"{place.name} as {value!r}", {**tree, **place.keys_with(value)})
            for text in (*_OF_BOTH, *_far(place)[:1]):
                yield as_xml(operation, f"{place.name} as {text!r}", {**tree, **place.keys_with(text)})
            for value in (*_NONE_OF_BOTH, *_NONE_OF_JSON):
                label = f"{place.name} as {value!r}"
                yield as_json(operation, label, {**tree, **place.keys_with(value)}, status=400)
            for text in (*_NONE_OF_BOTH, *_NONE_OF_XML):
                yield as_xml(operation, f"{place.name} as {text!r}", {**tree, **place.keys_with(text)}, status=400)


def _far(place: Place) -> tuple[Any, ...]:
    # What is to happen at a date may not be so far ahead.
    return () if place.field.rule else _FAR
