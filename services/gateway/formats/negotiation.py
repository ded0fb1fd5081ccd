"""Negotiation: in which format a body came, and in which one its answer goes out."""

from dataclasses import dataclass
from typing import Literal

from services.gateway.formats import charsets, media
from services.gateway.formats.format import Format
from shared.contract.scalars import Unreadable

Mount = Literal["rest", "json", "xml"]


class UnsupportedMedia(ValueError):  # noqa: N818 - it is an answer, not an error
    """The body is of no served type: HTTP 415."""


class NotAcceptable(ValueError):  # noqa: N818 - it is an answer, not an error
    """The caller takes neither JSON nor XML: HTTP 406."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """Both formats of a call, and the charset that the Content-Type names."""

    request: Format
    response: Format
    charset: str | None


_BODY_TYPES = {"application/json": Format.JSON, "application/xml": Format.XML, "text/xml": Format.XML}
_FIRST_BYTES = {b"{": Format.JSON, b"<": Format.XML}
# Blanks, byte order marks, and the zero bytes of UTF-16.
_SKIPPED = b" \t\r\n\xef\xbb\xbf\xff\xfe\0"
_RANGES: dict[Format, tuple[frozenset[str], ...]] = {  # the most specific first
    Format.JSON: (frozenset({"application/json"}), frozenset({"application/*"}), frozenset({"*/*"})),
    Format.XML: (
        frozenset({"application/xml", "text/xml"}),
        frozenset({"application/*", "text/*"}),
        frozenset({"*/*"}),
    ),
}


def negotiate(mount: Mount, content_type: str | None, accept: str | None, body: bytes) -> Negotiated:
    """Return the formats of a call, with its faults in their order.

    Raises `UnsupportedMedia` or `UnknownCharset` (415), then `NotAcceptable` (406), then `Unreadable` (400)
    for an empty body. Several `Accept` headers come joined by commas.
    """
    try:
        body_format = request_format(content_type, body)
    except Unreadable:
        response_format(mount, accept, Format.JSON)
        raise
    charset = charset_of(content_type)
    charsets.codec(body, charset, body_format)
    return Negotiated(body_format, response_format(mount, accept, body_format), charset)


def request_format(content_type: str | None, body: bytes) -> Format:
    """Return the format of a body, or raise `UnsupportedMedia`; an empty or blank one is `Unreadable`."""
    start = body[:64].lstrip(_SKIPPED) or body.lstrip(_SKIPPED)
    if not start:
        raise Unreadable("empty")
    known = _BODY_TYPES.get(media.media_type(content_type).name) if content_type else None
    found = known or _FIRST_BYTES.get(start[:1])
    if found is None:
        raise UnsupportedMedia("neither JSON nor XML")
    return found


def unread_format(mount: Mount, content_type: str | None, accept: str | None) -> Format:
    """Return the format of the answer to a body that is not looked at, JSON where only the body could tell.

    Raises `NotAcceptable`.
    """
    known = _BODY_TYPES.get(media.media_type(content_type).name) if content_type else None
    return response_format(mount, accept, known or Format.JSON)


def charset_of(content_type: str | None) -> str | None:
    """Return the charset that a Content-Type names, if it does."""
    return (media.media_type(content_type).parameters.get("charset") or None) if content_type else None


def response_format(mount: Mount, accept: str | None, body_format: Format) -> Format:
    """Return the format of the answer, or raise `NotAcceptable` on the mount that negotiates."""
    if mount != "rest":
        return Format.JSON if mount == "json" else Format.XML
    ranges = media.accepted(accept) if accept else {}
    if not ranges:
        return body_format
    qualities = {each: _quality(each, ranges) for each in Format}
    best = max(qualities.values())
    if best == 0:
        raise NotAcceptable("neither JSON nor XML is accepted")
    return body_format if qualities[body_format] == best else _other(body_format)


def _other(one: Format) -> Format:
    return Format.XML if one is Format.JSON else Format.JSON


def _quality(one: Format, ranges: dict[str, float]) -> float:
    for names in _RANGES[one]:
        given = [ranges[name] for name in names if name in ranges]
        if given:
            return max(given)
    return 0.0
