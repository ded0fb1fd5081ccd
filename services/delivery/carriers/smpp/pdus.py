"""PDUs of SMPP 3.4: their numbers, their heads, and the short ones, which need no library."""

import struct
from typing import NamedTuple

_HEAD = struct.Struct(">IIII")
HEAD_OCTETS = _HEAD.size
_ANSWER = 0x80000000
_SEQUENCE = 12

BIND_RECEIVER = 0x01
BIND_TRANSMITTER = 0x02
SUBMIT = 0x04
DELIVER = 0x05
UNBIND = 0x06
BIND_TRANSCEIVER = 0x09
ENQUIRE_LINK = 0x15
GENERIC_NACK = 0x80000000

OK = 0x00
INVALID_LENGTH = 0x02
INVALID_COMMAND = 0x03
# What is kept nowhere may come again; for some carriers 0x64 would be final.
SYSTEM_ERROR = 0x08

_VERSION = 0x34
# Numbers of PDUs, after which they begin again.
LAST_SEQUENCE = 0x7FFFFFFF


class Pdu(NamedTuple):
    """A PDU as it came: its head read, `octets` all of it."""

    command: int
    status: int
    sequence: int
    octets: bytes

    @property
    def is_answer(self) -> bool:
        return bool(self.command & _ANSWER)

    @property
    def is_cut(self) -> bool:
        """Whether it was too long to be read whole."""
        return int.from_bytes(self.octets[:4], "big") != len(self.octets)

    @property
    def text(self) -> str:
        """The first text of the body, such as the id that an answer gives; empty where there is none."""
        return self.octets[HEAD_OCTETS:].partition(b"\0")[0].decode("latin-1")


def pdu(octets: bytes) -> Pdu:
    """Read the head of a whole PDU."""
    _, command, status, sequence = _HEAD.unpack_from(octets)
    return Pdu(command, status, sequence, octets)


def request(command: int, sequence: int = 0, body: bytes = b"") -> bytes:
    """Return a request, without a number where it gets one later."""
    return _HEAD.pack(HEAD_OCTETS + len(body), command, OK, sequence) + body


def numbered(octets: bytes, sequence: int) -> bytes:
    """Return a request with its number."""
    return octets[:_SEQUENCE] + sequence.to_bytes(4, "big") + octets[HEAD_OCTETS:]


def answer_to(command: int) -> int:
    """Return the number of the answer to a request."""
    return command | _ANSWER


def answer(asked: Pdu, status: int = OK) -> bytes:
    """Return the answer to a request."""
    body = b"\0" if asked.command == DELIVER else b""
    return _HEAD.pack(HEAD_OCTETS + len(body), answer_to(asked.command), status, asked.sequence) + body


def nack(status: int, sequence: int) -> bytes:
    """Return the answer to what is no request that we know."""
    return _HEAD.pack(HEAD_OCTETS, GENERIC_NACK, status, sequence)


def bind(command: int, system_id: str, password: str, system_type: str) -> bytes:
    """Return a request to bind, for all numbers."""
    names = b"".join(each.encode("ascii") + b"\0" for each in (system_id, password, system_type))
    return request(command, body=names + bytes([_VERSION, 0, 0]) + b"\0")
