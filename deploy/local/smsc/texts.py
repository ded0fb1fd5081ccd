"""Texts of messages: parts with a header, and what a person can read of a body."""

import smpp34

_UDH = 0x40
_UCS2 = 8
_MESSAGE_PAYLOAD = 0x0424
_PART = 134


def parts_of(text: str, reference: int) -> list[bytes]:
    """Cut a text of plain letters in parts, each with a header that tells its place."""
    pieces = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    header = bytes([5, 0, 3, reference, len(pieces)])
    return [header + bytes([number]) + piece.encode() for number, piece in enumerate(pieces, 1)]


def readable(event: smpp34.SubmitSmEvent) -> str:
    """Return the text of a message; letters of GSM that are none of ASCII may look wrong."""
    payload = next((tlv.value for tlv in event.tlvs if tlv.tag == _MESSAGE_PAYLOAD), b"")
    body = event.short_message or payload
    if event.esm_class & _UDH and body:
        body = body[1 + body[0] :]
    return body.decode("utf-16-be" if event.data_coding == _UCS2 else "latin-1", "replace")
