"""A carrier's side of SMPP for tests: it writes what the test says, in pieces of any size, and reads as PDUs."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

import smpp34

from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.pdus import Pdu

_BINDS = (pdus.BIND_RECEIVER, pdus.BIND_TRANSMITTER, pdus.BIND_TRANSCEIVER)


def answer(asked: Pdu, status: int = 0, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), asked.command | 0x80000000, status, asked.sequence) + body


def deliver(text: bytes, sequence: int = 1, *, esm_class: int = 0, coding: int = 0, **options: bytes) -> bytes:
    """Return a deliver_sm; options by tag, as t001e."""
    tlvs = [smpp34.Tlv(int(tag[1:], 16), value) for tag, value in options.items()]
    return smpp34.DeliverSm(
        "436990000002", "436990000001", text,
        source_addr_ton=1, source_addr_npi=1, dest_addr_ton=1, dest_addr_npi=1,
        esm_class=esm_class, data_coding=coding, tlvs=tlvs, sequence_number=sequence,
    ).encode()  # fmt: skip


@dataclass
class Bound:
    """One connection, as the carrier has it."""

    peer: "SmppPeer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    got: list[Pdu] = field(default_factory=list)

    async def send(self, octets: bytes) -> None:
        size = self.peer.piece or len(octets)
        for start in range(0, len(octets), size):
            self.writer.write(octets[start : start + size])
            await self.writer.drain()
            if self.peer.piece:
                await asyncio.sleep(0)

    async def pdus(self) -> AsyncIterator[Pdu]:
        while True:
            head = await self.reader.readexactly(4)
            yield pdus.pdu(head + await self.reader.readexactly(int.from_bytes(head, "big") - 4))

    async def until(self, command: int, times: int = 1) -> Pdu:
        """Return the PDU of that command that came last, when there are so many."""
        async with asyncio.timeout(10):
            while len(found := [each for each in self.got if each.command == command]) < times:
                await self.peer.heard.wait()
                self.peer.heard.clear()
        return found[-1]

    async def deliver(self, octets: bytes) -> Pdu:
        """Write a deliver_sm and return its answer."""
        before = sum(each.command == 0x80000005 for each in self.got)
        await self.send(octets)
        return await self.until(0x80000005, before + 1)


Submitted = Callable[["Bound", Pdu], Awaitable[None]]


class SmppPeer:
    """Answers binds with `bind_status`, links and unbinds; what becomes of a submit_sm, `submitted` decides."""

    def __init__(self) -> None:
        self.port = 0
        self.bind_status = 0
        self.piece = 0
        self.enquires = True
        self.bound: list[Bound] = []
        self.binds: list[Pdu] = []
        self.submits: list[smpp34.SubmitSm] = []
        self.heard = asyncio.Event()
        self.submitted: Submitted = accept
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bound = Bound(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async for pdu in bound.pdus():
                bound.got.append(pdu)
                await self._react(bound, pdu)
                self.heard.set()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def end(self) -> None:
        for each in self.bound:
            each.writer.transport.abort()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _react(self, bound: Bound, pdu: Pdu) -> None:
        if pdu.command in _BINDS:
            self.binds.append(pdu)
            if not self.bind_status:
                self.bound.append(bound)
            await bound.send(answer(pdu, self.bind_status, b"" if self.bind_status else b"peer\0"))
        elif pdu.command == pdus.SUBMIT:
            submit = smpp34.decode(pdu.octets)
            assert isinstance(submit, smpp34.SubmitSm)
            self.submits.append(submit)
            await self.submitted(bound, pdu)
        elif pdu.command == pdus.UNBIND or (pdu.command == pdus.ENQUIRE_LINK and self.enquires):
            await bound.send(answer(pdu))


async def accept(bound: Bound, pdu: Pdu) -> None:
    """Accept everything: ids from m1 on."""
    await bound.send(answer(pdu, 0, f"m{len(bound.peer.submits)}\0".encode()))


def refuse(*statuses: int) -> Submitted:
    """Refuse with one status after the other, then accept."""
    left = list(statuses)

    async def submitted(bound: Bound, pdu: Pdu) -> None:
        if left:
            await bound.send(answer(pdu, left.pop(0)))
        else:
            await accept(bound, pdu)

    return submitted


async def ignore(_: Bound, __: Pdu) -> None:
    """Answer nothing."""


@asynccontextmanager
async def smpp_peer(ssl: SSLContext | None = None) -> AsyncIterator[SmppPeer]:
    """Serve on a free port of this machine."""
    peer = SmppPeer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=ssl)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await peer.end()
        await server.wait_closed()
