"""vCard files, versions 2.1 to 4.0."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import vobject

from services.accounts.contact_book import Entry
from shared.command_line import CommandFailed

_BEGIN = "BEGIN:VCARD"
# Pictures, sounds and keys, with the lines that they go on in: a broken one must not cost us the card.
_BULK = re.compile(r"^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:].*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)
# Parameters that the library does not know: it takes every other encoding for Base64, and looks for capitals only.
_UNENCODED = re.compile(r";(?:ENCODING=)?[78]BIT(?=[;:])", re.IGNORECASE)
_QUOTED = re.compile(r"(?<=[;=])QUOTED-PRINTABLE(?=[;:])", re.IGNORECASE)
# Clients send messages to the first number, so that of a mobile phone comes first.
_RANKS = {"cell": 0, "fax": 2, "pager": 2}
_OTHER = 1


def is_vcard(text: str) -> bool:
    """Whether this is the text of a vCard file."""
    return text.lstrip()[: len(_BEGIN)].upper() == _BEGIN


def vcard_entries(text: str) -> Iterator[Entry]:
    """Yield the cards; raise `CommandFailed`, which names the card, where one cannot be read."""
    cards = vobject.readComponents(_prepared(text), allowQP=True)
    for number in count(1):
        place = f"card {number}"
        try:
            card = next(cards, None)
        except Exception as error:
            # The library raises many kinds for what is not well-formed, and their texts quote it.
            raise CommandFailed(f"{place} cannot be read; nothing was stored") from error
        if card is None:
            return
        if card.name != "VCARD":
            raise CommandFailed(f"{place}: text that is no vCard; nothing was stored")
        yield Entry(place, _name(card), _numbers(card))


def _prepared(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _QUOTED.sub("QUOTED-PRINTABLE", _UNENCODED.sub("", _BULK.sub("", lines)))


def _name(card: Any) -> str:
    """Return the name to show, or what comes nearest to one."""
    for field in ("fn", "n", "org", "nickname"):
        for line in card.contents.get(field, ()):
            text = ", ".join(filter(None, line.value)) if isinstance(line.value, list) else str(line.value)
            if text.strip():
                return text
    return ""


def _numbers(card: Any) -> tuple[str, ...]:
    lines = [line for line in card.contents.get("tel", ()) if line.value.strip()]
    return tuple(line.value for line in sorted(lines, key=_rank))


def _rank(line: Any) -> int:
    # 2.1 writes TEL;CELL, later versions TEL;TYPE=CELL or TEL;TYPE="cell,voice".
    kinds = ",".join([*line.params.get("TYPE", ()), *line.singletonparams]).lower().split(",")
    return min((_RANKS[kind] for kind in kinds if kind in _RANKS), default=_OTHER)
