"""Segments: the parts into which a text is cut for the air, and what each of them is made of."""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import smsutil

_REMEMBERED_CHARACTERS = 1000
# In GSM's alphabet, of a text in several parts.
PART_CHARACTERS = 153
_ESCAPE = "\x1b"
_UCS2 = 2


class Unsendable(ValueError):  # noqa: N818 - it is what the text is
    """No SMS can hold this text; says why."""


class Segments(NamedTuple):
    """A text in Unicode's composed form and its parts, in GSM's alphabet or in UTF-16 (which carriers call UCS2)."""

    text: str
    parts: tuple[str, ...]
    is_gsm: bool


def segments(text: str, encoding: int = 0) -> Segments:
    """Cut a text: 160 GSM characters or 153 a part, else 70 or 67; `encoding` 2 is UCS2 whatever it holds.

    Raise `Unsendable` for an escape character, which would change the meaning of the next one, and for half a
    character.
    """
    return _remembered(text, encoding) if len(text) <= _REMEMBERED_CHARACTERS else _cut(text, encoding)


def _cut(text: str, encoding: int) -> Segments:
    composed = unicodedata.normalize("NFC", text)
    if _ESCAPE in composed:
        raise Unsendable("an escape character")
    if any("\ud800" <= each <= "\udfff" for each in composed):
        raise Unsendable("half a character")
    if not composed:
        return Segments("", ("",), encoding != _UCS2)
    is_gsm = encoding != _UCS2 and smsutil.is_valid_gsm(composed)
    split = smsutil.gsm_split(composed) if is_gsm else smsutil.unicode_split(composed)
    return Segments(composed, tuple(part.content for part in split.parts), is_gsm)


# The guards cut a text, and then the carrier does, and many get the same one.
_remembered = lru_cache(maxsize=1000)(_cut)
