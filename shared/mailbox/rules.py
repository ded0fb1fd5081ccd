"""Rules of the mailbox that need no database: how much one answer holds."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

PAGE_OCTETS = 16 * 1024 * 1024

# More than the names and numbers of one message take in XML, the longer of the two forms (about 420 octets).
_AROUND_MESSAGE = 512
# More than the root element, the declaration and the error code take.
_AROUND_PAGE = 512
# What one code point grows to at most: `&quot;` and `\u0001` have 6 octets, its UTF-8 has 4.
_GROWTH = 6
_ESCAPED = re.compile("[&<>\"'\t\n\r]")
# Written as U+FFFD, which has 3 octets; U+FFFE and U+FFFF have so many themselves.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ILLEGAL_GROWTH = 3

Entry = Mapping[str, Any]


def fitting(messages: Sequence[Entry], limit: int = PAGE_OCTETS) -> Sequence[Entry]:
    """Return the first messages of a page: as many as `limit` octets hold, in JSON and in XML."""
    octets = _AROUND_PAGE
    if octets + sum(map(_most_octets, messages)) <= limit:
        return messages
    for count, message in enumerate(messages):
        octets += _octets(message)
        if octets > limit:
            return messages[:count]
    return messages


def _most_octets(message: Entry) -> int:
    return _GROWTH * (len(message["message"]) + len(message["address"])) + _AROUND_MESSAGE


def _octets(message: Entry) -> int:
    xml = _AROUND_MESSAGE + _xml_octets(message["message"]) + _xml_octets(message["address"])
    return max(xml, len(orjson.dumps(message)) + 1)


def _xml_octets(text: str) -> int:
    escaped, illegal = len(_ESCAPED.findall(text)), len(_ILLEGAL.findall(text))
    return len(text.encode()) + (_GROWTH - 1) * escaped + (_ILLEGAL_GROWTH - 1) * illegal
