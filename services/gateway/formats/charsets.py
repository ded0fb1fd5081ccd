"""Charsets: the bytes of a body to text."""

import re
from collections.abc import Mapping

from services.gateway.formats.format import Format


class UnknownCharset(ValueError):  # noqa: N818 - it is an answer, not an error
    """The body names a charset that is not served: HTTP 415."""


_UTF_8, _LATIN_1 = "utf-8", "iso-8859-1"

_EIGHT_BIT: Mapping[str, str] = {
    "utf-8": _UTF_8,
    "utf8": _UTF_8,
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": _LATIN_1,
    "iso8859-1": _LATIN_1,
    "iso_8859-1": _LATIN_1,
    "latin1": _LATIN_1,
    "latin-1": _LATIN_1,
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}
_UTF_16: Mapping[str, str] = {
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_KNOWN: Mapping[Format, Mapping[str, str]] = {Format.JSON: _EIGHT_BIT, Format.XML: {**_EIGHT_BIT, **_UTF_16}}

# How UTF-16 shows without a name: its byte order mark, or the zero byte beside the first "<".
_UTF_16_STARTS = (
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def codec(body: bytes, charset: str | None, body_format: Format) -> str:
    """Return the name of Python's codec for a body, or raise `UnknownCharset`.

    `charset` is the Content-Type's. Without one, XML may say it itself; the rest is UTF-8.
    """
    if charset is not None:
        return _named(body, charset, body_format)
    return _UTF_8 if body_format is Format.JSON else _xml_codec(body)


def decode(body: bytes, charset: str | None, body_format: Format) -> str:
    """Return the text without its byte order mark; bytes that do not fit are read as Latin-1."""
    name = codec(body, charset, body_format)
    try:
        text = body.decode(name)
    except UnicodeDecodeError:
        text = body.decode(_LATIN_1)
    return text.removeprefix("\ufeff")


def _named(body: bytes, charset: str, body_format: Format) -> str:
    try:
        name = _KNOWN[body_format][charset.strip().lower()]
    except KeyError:
        raise UnknownCharset("charset not known") from None
    # Python would take UTF-16 without a mark for the machine's own order; the standard says big-endian.
    return (_utf_16(body) or "utf-16-be") if name == "utf-16" else name


def _xml_codec(body: bytes) -> str:
    wide = _utf_16(body)
    if wide is not None:
        return wide
    declared = _DECLARED.match(body)
    if declared is None:
        return _UTF_8
    name = _named(body, declared[1].decode("ascii"), Format.XML)
    # A declaration that could be read byte by byte is not UTF-16, whatever it says.
    return _UTF_8 if name.startswith("utf-16") else name


def _utf_16(body: bytes) -> str | None:
    return next((name for start, name in _UTF_16_STARTS if body.startswith(start)), None)
