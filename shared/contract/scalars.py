"""The scalars of the contract: one row each, with how it is read from JSON and from XML and how it is written.

Readers take what the original's lenient parser takes (wire-contract "Lenient input") and raise `Unreadable` for the
rest. They return `None` where the text stands for an absent value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.contract import dates


class Unreadable(ValueError):  # noqa: N818 - it is an answer, not an error
    """The body cannot be read as the shape it should be: HTTP 400."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One scalar type.

    `from_json` takes what a JSON parser gives, `from_text` the text of an XML element. JSON needs no writer: the
    value of every scalar is a JSON value. `absent` is the value of a primitive that was left out.
    """

    name: str
    from_json: Callable[[Any], Any]
    from_text: Callable[[str], Any]
    to_text: Callable[[Any], str]
    absent: Any
    openapi: Mapping[str, object]


class NumberText(str):
    """A JSON number with a fraction or an exponent, exactly as it was sent."""

    __slots__ = ()


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}(\.0*)?\Z")
_DIGITS = 40  # more than any number of the contract has
_BLANKS = " \t\r\n"


def _integer(bits: int) -> tuple[Callable[[Any], int], Callable[[str], int]]:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def within(number: int) -> int:
        if low <= number <= high:
            return number
        raise Unreadable("number out of range")

    def from_text(text: str) -> int:
        stripped = text.strip(_BLANKS)
        if not stripped:
            return 0
        if not _INTEGER.match(stripped):
            raise Unreadable("not a whole number")
        return within(int(stripped.partition(".")[0]))

    def from_json(value: Any) -> int:
        if type(value) is int:
            return within(value)
        if type(value) is NumberText:
            return within(_whole(value))
        if type(value) is str:
            return from_text(value)
        raise Unreadable("not a number")

    return from_json, from_text


def _whole(text: str) -> int:
    if _INTEGER.match(text):
        return int(text.partition(".")[0])
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unreadable("not a number") from None
    if number.is_zero():
        return 0
    if not number.is_finite() or number.adjusted() > _DIGITS or number != number.to_integral_value():
        raise Unreadable("not a whole number in range")
    return int(number)


_WORDS = {"true": True, "false": False, "1": True, "0": False, "": None}


def _boolean_from_text(text: str) -> bool | None:
    try:
        return _WORDS[text.strip(_BLANKS).lower()]
    except KeyError:
        raise Unreadable("not a boolean") from None


def _boolean_from_json(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    if type(value) is str:
        return _boolean_from_text(value)
    if type(value) is int and value in (0, 1):
        return value == 1
    if type(value) is NumberText and _whole(value) in (0, 1):
        return _whole(value) == 1
    raise Unreadable("not a boolean")


def _string_from_json(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if type(value) is NumberText:
        return str(value)
    raise Unreadable("not a string")


def _address_from_json(value: Any) -> str:
    return _string_from_json(value).strip()


def _date_from_json(value: Any) -> int | None:
    if type(value) is int:
        return _date(dates.within, value)
    if type(value) is NumberText:
        return _date(dates.within, _whole(value))
    if type(value) is not str:
        raise Unreadable("not a date")
    stripped = value.strip(_BLANKS)
    if not stripped:
        return None
    if _INTEGER.match(stripped):
        return _date(dates.within, int(stripped.partition(".")[0]))
    return _date(dates.from_iso, stripped)


def _date_from_text(text: str) -> int | None:
    stripped = text.strip(_BLANKS)
    return _date(dates.from_xml, stripped) if stripped else None


def _date(reader: Callable[[Any], int], value: object) -> int:
    try:
        return reader(value)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _boolean_to_text(value: bool) -> str:  # noqa: FBT001 - it is the value
    return "true" if value else "false"


_int32, _int64 = _integer(32), _integer(64)

INT = Scalar("int", *_int32, str, 0, {"type": "integer", "format": "int32"})
LONG = Scalar("long", *_int64, str, 0, {"type": "integer", "format": "int64"})
BOOLEAN = Scalar("boolean", _boolean_from_json, _boolean_from_text, _boolean_to_text, False, {"type": "boolean"})
STRING = Scalar("string", _string_from_json, str, str, "", {"type": "string"})
ADDRESS = Scalar("address", _address_from_json, str.strip, str, "", {"type": "string"})
DATE = Scalar(
    "dateTime", _date_from_json, _date_from_text, dates.to_xml, None,
    {"type": "integer", "format": "int64", "description": "ms since 1970-01-01T00:00:00Z; in XML an xs:dateTime"},
)  # fmt: skip
