"""Dates of the contract: whole milliseconds since 1970-01-01T00:00:00Z, from year 1 to year 9999."""

import re
from datetime import UTC, date, datetime

_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
FIRST = (date(1, 1, 1).toordinal() - _EPOCH) * _DAY
LAST = (date(9999, 12, 31).toordinal() - _EPOCH + 1) * _DAY - 1

_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d+))?"
_XML = re.compile(rf"(?P<day>\d{{4,}}-\d\d-\d\d)T{_CLOCK}(?P<zone>Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
_ISO_CLOCK = r"(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
_ISO = re.compile(rf"(?P<day>\d{{4}}-\d\d-\d\d)(?:[Tt ]{_ISO_CLOCK} ?(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?\Z", re.ASCII)


def within(milliseconds: int) -> int:
    """Return the date unchanged, or raise `ValueError` when it lies outside the years 1 to 9999."""
    if FIRST <= milliseconds <= LAST:
        return milliseconds
    raise ValueError("date outside the years 1 to 9999")


def from_iso(text: str) -> int:
    """Read an ISO-8601 date: without zone UTC, date only midnight UTC, fractions cut to milliseconds."""
    return _read(_ISO, text)


def from_xml(text: str) -> int:
    """Read an xs:dateTime: without zone UTC, fractions cut to milliseconds."""
    return _read(_XML, text)


def to_xml(milliseconds: int) -> str:
    """Write an xs:dateTime in UTC with milliseconds, such as `2013-05-07T17:30:13.123Z`."""
    days, rest = divmod(milliseconds, _DAY)
    seconds, fraction = divmod(rest, 1000)
    day = date.fromordinal(_EPOCH + days)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{day.isoformat()}T{hours:02}:{minutes:02}:{seconds % 60:02}.{fraction:03}Z"


def now() -> int:
    """Return the present time of this machine's clock."""
    return int(datetime.now(UTC).timestamp() * 1000)


def _read(form: re.Pattern[str], text: str) -> int:
    match = form.match(text)
    if match is None:
        raise ValueError("not a date")
    parts = match.groupdict()
    days = date.fromisoformat(parts["day"]).toordinal() - _EPOCH
    return within(days * _DAY + _clock(parts) - _offset(parts["zone"]))


def _clock(parts: dict[str, str | None]) -> int:
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int(f"{parts['fraction'] or ''}000"[:3])
    clock = (hour * 3600 + minute * 60 + second) * 1000 + fraction
    if minute > 59 or second > 59 or clock > _DAY:  # noqa: PLR2004 - a clock; 24:00:00 is the end of the day
        raise ValueError("not a time of day")
    return clock


def _offset(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:  # noqa: PLR2004 - xs:dateTime ends at 14:00
        raise ValueError("not a time zone")
    return (hours * 60 + minutes) * 60_000 * (-1 if zone[0] == "-" else 1)
