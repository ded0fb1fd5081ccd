"""The scalars and dates of the contract: what each reads from JSON and from XML, and how dates are written."""

from typing import Any

import pytest

from shared.contract import dates
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, LONG, STRING, NumberText, Scalar, Unreadable

D = 1367947813123


@pytest.mark.parametrize(
    ("scalar", "raw", "expected"),
    [
        (INT, 5, 5),
        (INT, "5", 5),
        (INT, " +5\n", 5),
        (INT, "-5", -5),
        (INT, "", 0),
        (INT, "  ", 0),
        (INT, "5.0", 5),
        (INT, NumberText("5.00"), 5),
        (INT, NumberText("5e2"), 500),
        (INT, NumberText("0e999999999"), 0),
        (INT, 2147483647, 2147483647),
        (INT, "-2147483648", -2147483648),
        (LONG, 9223372036854775807, 9223372036854775807),
        (LONG, "+436990000001", 436990000001),
        (LONG, NumberText("9223372036854775807.0"), 9223372036854775807),
        (LONG, NumberText("9.223372036854775807e18"), 9223372036854775807),
        (BOOLEAN, True, True),
        (BOOLEAN, "TRUE", True),
        (BOOLEAN, " false ", False),
        (BOOLEAN, "1", True),
        (BOOLEAN, 0, False),
        (BOOLEAN, NumberText("1.0"), True),
        (BOOLEAN, "", None),
        (STRING, " a ", " a "),
        (STRING, 12345, "12345"),
        (STRING, True, "true"),
        (STRING, NumberText("1.50"), "1.50"),
        (ADDRESS, " Bank\n", "Bank"),
        (ADDRESS, 436990000001, "436990000001"),
        (DATE, D, D),
        (DATE, str(D), D),
        (DATE, f" {D} ", D),
        (DATE, NumberText("1.367947813123e12"), D),
        (DATE, "0", 0),
        (DATE, -1, -1),
        (DATE, "", None),
        (DATE, dates.FIRST, dates.FIRST),
        (DATE, dates.LAST, dates.LAST),
    ],
)
def test_json_is_read_leniently(scalar: Scalar, raw: Any, expected: Any) -> None:
    found = scalar.from_json(raw)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("scalar", "raw"),
    [
        (INT, "x"),
        (INT, "1 2"),
        (INT, "\u0661"),
        (INT, True),
        (INT, 2147483648),
        (INT, "-2147483649"),
        (INT, NumberText("1.5")),
        (INT, NumberText("1.00000000000000000001")),
        (INT, NumberText("1e999999999")),
        (INT, NumberText("1e-999999999")),
        (INT, "9" * 5000),
        (INT, []),
        (INT, {}),
        (LONG, NumberText("9223372036854775808.0")),
        (LONG, NumberText("9" * 5000)),
        (BOOLEAN, "yes"),
        (BOOLEAN, 2),
        (BOOLEAN, -1),
        (BOOLEAN, NumberText("0.5")),
        (BOOLEAN, []),
        (STRING, []),
        (STRING, {}),
        (ADDRESS, ["a"]),
        (DATE, True),
        (DATE, "yesterday"),
        (DATE, dates.LAST + 1),
        (DATE, dates.FIRST - 1),
        (DATE, NumberText("1.5")),
        (DATE, "9" * 41),
        (DATE, []),
    ],
)
def test_what_does_not_fit_json_is_unreadable(scalar: Scalar, raw: Any) -> None:
    with pytest.raises(Unreadable):
        scalar.from_json(raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-05-07T17:30:13.123Z", D),
        ("2013-05-07T17:30:13.123", D),
        ("2013-05-07T19:30:13.123+02:00", D),
        ("2013-05-07T12:00:13.123999-05:30", D),
        ("2013-05-07T24:00:00Z", 1367971200000),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00Z", dates.FIRST),
        ("9999-12-31T23:59:59.999Z", dates.LAST),
    ],
)
def test_dates_of_both_formats(text: str, expected: int) -> None:
    assert DATE.from_json(text) == expected
    assert DATE.from_text(f"\n{text} ") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-05-07T19:30:13.123+0200", D),
        ("2013-05-07T19:30:13,123+02", D),
        ("2013-05-07 17:30:13.123z", D),
        ("2013-05-07t17:30", 1367947800000),
        ("2013-05-07", 1367884800000),
    ],
)
def test_dates_of_json_alone(text: str, expected: int) -> None:
    assert DATE.from_json(text) == expected
    with pytest.raises(Unreadable):
        DATE.from_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2013-02-30T00:00:00Z",
        "2013-13-01T00:00:00Z",
        "2013-05-07T25:00:00Z",
        "2013-05-07T24:00:00.001Z",
        "2013-05-07T12:60:00Z",
        "2013-05-07T12:00:60Z",
        "2013-05-07T12:00:00+15:00",
        "2013-05-07T12:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T24:00:00Z",
        "2013-05-07T12:00:00Z\u0661",
        "x",
    ],
)
def test_no_dates(text: str) -> None:
    for read in (DATE.from_json, DATE.from_text):
        with pytest.raises(Unreadable):
            read(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (D, "2013-05-07T17:30:13.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (dates.FIRST, "0001-01-01T00:00:00.000Z"),
        (dates.LAST, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_dates_are_written_with_milliseconds_and_zone(milliseconds: int, text: str) -> None:
    assert DATE.to_text(milliseconds) == text


def test_an_empty_date_of_xml_is_absent_and_a_number_is_none() -> None:
    assert DATE.from_text(" ") is None
    with pytest.raises(Unreadable):
        DATE.from_text(str(D))
