"""Frames: the headers of SMPP's messages, which are all that the front of the simulator looks at."""

import asyncio
import struct
from typing import NamedTuple

_HEADER = struct.Struct(">IIII")
_LONGEST = 1 << 20
_RESPONSE = 0x8000_0000

GENERIC_NACK = 0x8000_0000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
BINDS = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})
SUBMIT_SM = 0x04
UNBIND = 0x06


class Frame(NamedTuple):
    """One message of SMPP as bytes, and what its header says."""

    command: int
    status: int
    sequence: int
    content: bytes

    @property
    def body(self) -> bytes:
        return self.content[_HEADER.size :]

    def is_answer(self, command: int) -> bool:
        return self.command == command | _RESPONSE


def frame(command: int, sequence: int, *, status: int = 0, body: bytes = b"") -> Frame:
    """Make one."""
    content = _HEADER.pack(_HEADER.size + len(body), command, status, sequence) + body
    return Frame(command, status, sequence, content)


def answer(to: Frame, *, status: int = 0, body: bytes = b"") -> Frame:
    """Make an answer to one."""
    return frame(to.command | _RESPONSE, to.sequence, status=status, body=body)


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Read one; none at the end, or where it can be no frame."""
    try:
        header = await reader.readexactly(_HEADER.size)
        length, command, status, sequence = _HEADER.unpack(header)
        if not _HEADER.size <= length <= _LONGEST:
            return None
        return Frame(command, status, sequence, header + await reader.readexactly(length - _HEADER.size))
    except (asyncio.IncompleteReadError, OSError):
        return None
