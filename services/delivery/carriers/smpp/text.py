"""Texts on the wire: what a message becomes, in one part or several, and what a message that comes says."""

from collections.abc import Iterator
from typing import NamedTuple

from services.delivery.carriers.smpp import codec, gsm
from services.delivery.carriers.smpp.options import Alphabet, Long
from services.delivery.segments import Segments, segments

UDH = 0x40
_UCS2 = 8
_EIGHT_BITS = "latin-1"
_CODECS = {1: "ascii", 3: _EIGHT_BITS, 5: "shift_jis", 6: "iso8859-5", 7: "iso8859-8", _UCS2: "utf-16-be", 14: "euc_kr"}
_BINARY = (2, 4)
# The group of message classes: a bit says whether it is in 8 bits.
_CLASSES = 0xF0
_CLASS_BINARY = 0x04
_CONCATENATION_8, _CONCATENATION_16 = 0x00, 0x08


class Piece(NamedTuple):
    """What one PDU has of a text."""

    octets: bytes
    coding: int
    esm_class: int = 0
    options: tuple[tuple[int, bytes], ...] = ()


class Place(NamedTuple):
    """Which part of a long message something is: `number` of `total`, from 1."""

    reference: int
    total: int
    number: int


def cut(message: str, encoding: int, alphabet: Alphabet) -> Segments:
    """Return how a text is cut into parts for a carrier; raise `Unsendable`."""
    found = segments(message, encoding)
    if alphabet == "latin1" and found.is_gsm and any(each > "\xff" for each in found.text):
        # What the air has and this alphabet has not.
        return segments(found.text, 2)
    return found


def pieces(cut: Segments, reference: int, long: Long, alphabet: Alphabet, coding: int) -> list[Piece]:
    """Return the pieces of a text of 255 parts at most; all parts have one reference, from 0 to 255."""
    coding = coding if cut.is_gsm else _UCS2
    parts = [_octets(part, alphabet, is_gsm=cut.is_gsm) for part in cut.parts]
    if len(parts) == 1:
        return [Piece(parts[0], coding)]
    if long == "payload":
        return [Piece(b"", coding, options=((codec.PAYLOAD, b"".join(parts)),))]
    if long == "sar":
        return [
            Piece(part, coding, options=_sar(reference, len(parts), number)) for number, part in enumerate(parts, 1)
        ]
    return [
        Piece(bytes([5, _CONCATENATION_8, 3, reference, len(parts), number]) + part, coding, UDH)
        for number, part in enumerate(parts, 1)
    ]


def _octets(part: str, alphabet: Alphabet, *, is_gsm: bool) -> bytes:
    if not is_gsm:
        return part.encode("utf-16-be")
    return gsm.encode(part) if alphabet == "gsm" else part.encode(_EIGHT_BITS)


def _sar(reference: int, total: int, number: int) -> tuple[tuple[int, bytes], ...]:
    return (
        (codec.SAR_REFERENCE, reference.to_bytes(2, "big")),
        (codec.SAR_TOTAL, bytes([total])),
        (codec.SAR_NUMBER, bytes([number])),
    )


def body(deliver: codec.Deliver) -> tuple[bytes, Place | None]:
    """Return what a PDU has of a text, without its header, and which part that is where it is one."""
    octets = deliver.text or deliver.options.get(codec.PAYLOAD, b"")
    if deliver.esm_class & UDH and octets and octets[0] < len(octets):
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
        for kind, value in _elements(header):
            place = _place(kind, value)
            if place:
                return octets, place
    return octets, _sar_place(deliver.options)


def _elements(header: bytes) -> Iterator[tuple[int, bytes]]:
    while len(header) > 1:
        end = 2 + header[1]
        yield header[0], header[2:end]
        header = header[end:]


def _place(kind: int, value: bytes) -> Place | None:
    length = {_CONCATENATION_8: 3, _CONCATENATION_16: 4}.get(kind)
    if length != len(value):
        return None
    return _sensible(int.from_bytes(value[:-2], "big"), value[-2], value[-1])


def _sar_place(options: dict[int, bytes]) -> Place | None:
    reference, total, number = (
        int.from_bytes(options.get(tag, b""), "big") for tag in (codec.SAR_REFERENCE, codec.SAR_TOTAL, codec.SAR_NUMBER)
    )
    return _sensible(reference, total, number)


def _sensible(reference: int, total: int, number: int) -> Place | None:
    return Place(reference, total, number) if 1 <= number <= total and 1 < total < 256 and reference < 65_536 else None  # noqa: PLR2004 - octets


def read(octets: bytes, coding: int, alphabet: Alphabet) -> str:
    """Return a text of a data_coding; with one that is wrong, what it looks like.

    A part may begin or end with half of a pair, whose other half another part has.
    """
    if coding >= _CLASSES:
        coding = _BINARY[0] if coding & _CLASS_BINARY else 0
    if coding == 0 and alphabet == "latin1":
        coding = 3
    if coding in _BINARY:
        return octets.decode(_EIGHT_BITS)
    try:
        if coding == _UCS2:
            return octets.decode(_CODECS[coding], "surrogatepass")
        return octets.decode(_CODECS[coding]) if coding in _CODECS else gsm.decode(octets)
    except UnicodeError:
        return octets.decode(_CODECS[coding], "replace") if coding == _UCS2 else octets.decode(_EIGHT_BITS)
