"""Files of contacts: which kind they are, and the characters in them."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from services.accounts.contact_book import Entry
from services.accounts.contact_tables import csv_entries
from services.accounts.vcards import is_vcard, vcard_entries
from shared.command_line import CommandFailed

# Old Outlooks write the character set of Windows, everybody else UTF-8, some with a mark before it.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UNMARKED = ("utf-8", "windows-1252")


def entries_of(path: Path) -> Iterator[Entry]:
    """Yield the entries of a vCard or CSV file; raise `CommandFailed` where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"the file cannot be read: {error.strerror}") from error
    text = _decoded(content)
    yield from vcard_entries(text) if is_vcard(text) else csv_entries(text)


def _decoded(content: bytes) -> str:
    marked = tuple(charset for mark, charset in _MARKS if content.startswith(mark))
    for charset in marked or _UNMARKED:
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    raise CommandFailed("the file is neither UTF-8 nor UTF-16 nor windows-1252")
