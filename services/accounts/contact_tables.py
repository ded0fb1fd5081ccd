"""CSV files of contacts: Google's and Outlook's exports, and plain tables of names and numbers. Column names decide."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.accounts.contact_book import Entry
from shared.command_line import CommandFailed

# Outlook separates by what the country of the computer uses.
_DELIMITERS = (",", ";", "\t")
# Google writes several values of one kind into one cell.
_SEVERAL = ":::"
_NAMES = ("name", "full name", "display name", "contact", "contact name")
_NAME_PARTS = (
    ("first name", "given name"),
    ("middle name", "additional name"),
    ("last name", "family name"),
)
_INSTEAD_OF_A_NAME = ("organization name", "organization 1 - name", "company", "file as", "nickname")
# Clients send messages to the first number, so that of a mobile phone comes first.
_NUMBERS = (
    "mobile phone", "mobile", "cell phone", "cell", "mobile number", "number", "phone number", "phone", "telephone",
    "tel", "msisdn", "primary phone", "home phone", "home phone 2", "business phone", "business phone 2", "other phone",
    "car phone", "radio phone", "company main phone", "assistant's phone", "callback", "isdn", "pager", "home fax",
    "business fax", "other fax",
)  # fmt: skip
_GOOGLES_NUMBER = re.compile(r"phone [0-9]+ - value")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Positions of the columns that matter."""

    names: tuple[int, ...]
    name_parts: tuple[int, ...]
    instead: tuple[int, ...]
    numbers: tuple[int, ...]
    # Google's numbers with their label in the column before, such as `Mobile`.
    labelled: tuple[int, ...]
    count: int


def csv_entries(text: str) -> Iterator[Entry]:
    """Yield the rows below the names; raise `CommandFailed`, which names the line, where one cannot be read."""
    first_line = io.StringIO(text).readline()
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first_line.count), strict=True)
    try:
        columns = _columns(next(rows, []))
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _entry(f"line {rows.line_num}", columns, row)
    except csv.Error as error:
        raise CommandFailed(f"line {rows.line_num}: {error}; nothing was stored") from error


def _columns(header: Sequence[str]) -> _Columns:
    names = [cell.strip().lower() for cell in header]
    labelled = tuple(place for place, name in enumerate(names) if _GOOGLES_NUMBER.fullmatch(name))
    numbers = _found(names, _NUMBERS)
    if not (numbers or labelled):
        raise CommandFailed("neither a vCard file nor a table with a column for numbers, such as: name,number")
    return _Columns(
        names=_found(names, _NAMES),
        name_parts=tuple(place for part in _NAME_PARTS for place in _found(names, part)),
        instead=_found(names, _INSTEAD_OF_A_NAME),
        numbers=numbers,
        labelled=labelled,
        count=len(names),
    )


def _found(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    return tuple(names.index(each) for each in wanted if each in names)


def _entry(place: str, columns: _Columns, row: Sequence[str]) -> Entry:
    if any(cell.strip() for cell in row[columns.count :]):
        raise CommandFailed(f"{place}: more cells than the first line has names; nothing was stored")
    cells = [*row, *[""] * (columns.count - len(row))]
    labelled = sorted(columns.labelled, key=lambda column: "mobile" not in cells[column - 1].lower())
    numbers = [part.strip() for column in (*columns.numbers, *labelled) for part in cells[column].split(_SEVERAL)]
    return Entry(place, _name(columns, cells), tuple(filter(None, numbers)))


def _name(columns: _Columns, cells: Sequence[str]) -> str:
    parts = " ".join(cells[column] for column in columns.name_parts)
    candidates = [*(cells[column] for column in columns.names), parts, *(cells[column] for column in columns.instead)]
    return next((each for each in candidates if each.strip()), "")
