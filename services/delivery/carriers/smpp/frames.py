"""Frames: a stream of TCP, in whatever pieces it comes, cut into PDUs."""

from collections.abc import Iterator

from services.delivery.carriers.smpp.pdus import HEAD_OCTETS

_LENGTH_OCTETS = 4
# A payload of 65,535 octets and everything else that a PDU may have.
_LONGEST = 70_000
# A peer that says so is not to be understood: where its next PDU begins nobody knows.
_BEYOND_SENSE = 1 << 20


class LostTrack(ValueError):  # noqa: N818 - it is what happened
    """Where the next PDU begins is not known any more."""


class Frames:
    """Holds the piece of a PDU whose rest is to come; one that is too long is given by its head, the rest skipped."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0

    def cut(self, piece: bytes) -> Iterator[bytes]:
        """Yield the PDUs that are whole with this piece; raise `LostTrack`."""
        held = self._held
        held += piece
        start = 0
        try:
            while True:
                skipped = min(self._skip, len(held) - start)
                self._skip -= skipped
                start += skipped
                end = start + self._length(start)
                if end == start or (end > len(held) and end - start <= _LONGEST):
                    return
                if end - start > _LONGEST:
                    self._skip = end - start - HEAD_OCTETS
                    end = start + HEAD_OCTETS
                octets, start = bytes(held[start:end]), end
                yield octets
        finally:
            del held[:start]

    def _length(self, start: int) -> int:
        """Return how long the PDU is that begins there, 0 where its head is not whole."""
        if len(self._held) - start < HEAD_OCTETS:
            return 0
        length = int.from_bytes(self._held[start : start + _LENGTH_OCTETS], "big")
        if not HEAD_OCTETS <= length <= _BEYOND_SENSE:
            raise LostTrack
        return length
