"""An account's contacts out of the entries of a file, within limits that keep the answer which lists them sendable."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.accounts.phone_numbers import NationalNumber, plus_digits
from shared.command_line import CommandFailed

# Together they bound the answer: 10,000 contacts of 255 `&` and 10 numbers are 15.8 MiB of XML, and it must stay
# within 16. 255 characters are what an address may have.
CONTACTS = 10_000
NAME_CHARACTERS = 255
NUMBERS = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file, as it is written there; `place` says where, such as `card 3`."""

    place: str
    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as clients get it: each number is `+digits`, and there is at least one."""

    name: str
    msisdns: tuple[str, ...]


@dataclass(slots=True)
class ContactBook:
    """Contacts in their order; entries without a usable number are counted, numbers that are none named by place."""

    contacts: list[Contact] = field(default_factory=list)
    entries_skipped: int = 0
    numbers_skipped: list[str] = field(default_factory=list)


def contact_book(entries: Iterable[Entry], home: str | None) -> ContactBook:
    """Read all entries, with national numbers as in the region `home`; the same contact twice is one.

    Raises `CommandFailed`, which names the entry, where a limit is exceeded or a country is not known.
    """
    book = ContactBook()
    seen: dict[Contact, None] = {}
    for entry in entries:
        contact = _contact(entry, home, book)
        if contact is None:
            book.entries_skipped += 1
        else:
            seen[contact] = None
        if len(seen) > CONTACTS:
            raise CommandFailed(f"{entry.place}: more than {CONTACTS} contacts; nothing was stored")
    book.contacts = list(seen)
    return book


def _contact(entry: Entry, home: str | None, book: ContactBook) -> Contact | None:
    msisdns: dict[str, None] = {}
    for text in entry.numbers:
        number = _number(entry, text, home)
        if number is None:
            book.numbers_skipped.append(entry.place)
        else:
            msisdns[number] = None
    if not msisdns:
        return None
    contact = Contact(_name(entry.name) or next(iter(msisdns)), tuple(msisdns))
    if len(contact.name) > NAME_CHARACTERS:
        raise CommandFailed(f"{entry.place}: a name of more than {NAME_CHARACTERS} characters; nothing was stored")
    if len(contact.msisdns) > NUMBERS:
        raise CommandFailed(f"{entry.place}: more than {NUMBERS} numbers; nothing was stored")
    return contact


def _number(entry: Entry, text: str, home: str | None) -> str | None:
    try:
        return plus_digits(text, home)
    except NationalNumber:
        raise CommandFailed(
            f"{entry.place}: a number without country code; say which with --country-code; nothing was stored"
        ) from None


def _name(text: str) -> str:
    """Return a name on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())
