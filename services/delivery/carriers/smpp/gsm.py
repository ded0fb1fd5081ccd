"""GSM's alphabet of 7 bits (3GPP TS 23.038), a character in each octet, as SMPP has it."""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_ESCAPE = 0x1B
_UNKNOWN = "\ufffd"

_OCTETS = {
    **{each: bytes([place]) for place, each in enumerate(_BASIC) if place != _ESCAPE},
    **{each: bytes([_ESCAPE, place]) for place, each in _EXTENSION.items()},
}


def encode(text: str) -> bytes:
    """Return the octets of a text; raise `UnicodeError` for a character that the alphabet has not."""
    try:
        return b"".join([_OCTETS[each] for each in text])
    except KeyError:
        raise UnicodeError("not in GSM's alphabet") from None


def decode(octets: bytes) -> str:
    """Read octets; what the extension does not have is the character without it, as the standard says."""
    text = []
    escaped = False
    for each in octets:
        if each == _ESCAPE and not escaped:
            escaped = True
            continue
        text.append(_character(each, escaped=escaped))
        escaped = False
    return "".join(text)


def _character(octet: int, *, escaped: bool) -> str:
    if escaped and octet in _EXTENSION:
        return _EXTENSION[octet]
    if octet == _ESCAPE:
        return " "
    return _BASIC[octet] if octet < len(_BASIC) else _UNKNOWN
