"""The front of the simulator: it stands before an SMPP server, and does to links what networks and carriers do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import smpp34

from deploy.local.smsc.faults import Fault, LinkFault, fault_of
from deploy.local.smsc.frames import BINDS, GENERIC_NACK, SUBMIT_SM, UNBIND, Frame, answer, frame, read_frame

# The password of nobody.
WRONG_PASSWORD = "wrong"  # noqa: S105 - it opens nothing
_INVALID_PASSWORD = 0x0E
_OUR_SEQUENCE = 0x7000_0000
_FIRST_OF_VENDORS = 0x400
_LATE_SECONDS = 3.0


class Front:
    """Hands frames to the server on a port of this machine, and its own to the client."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._links: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve; yield the port."""
        server = await asyncio.start_server(self._accept, host, port)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for link in self._links:
                link.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_connection("127.0.0.1", self._target)
        link = asyncio.create_task(_Link((reader, writer), inner).run())
        self._links.add(link)
        link.add_done_callback(self._links.discard)


_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection of a client, and the one to the server that stands for it."""

    def __init__(self, client: _Ends, server: _Ends) -> None:
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._faults: dict[int, Fault] = {}

    async def run(self) -> None:
        """Hand on until one end is gone."""
        ways = [asyncio.create_task(self._upwards()), asyncio.create_task(self._downwards())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._to_server.close()
            self._to_client.close()

    async def _upwards(self) -> None:
        while (sent := await read_frame(self._from_client)) is not None:
            if sent.command in BINDS and WRONG_PASSWORD.encode() in sent.body.split(b"\0")[1:2]:
                self._to_client.write(answer(sent, status=_INVALID_PASSWORD).content)
                continue
            if sent.is_answer(UNBIND) and sent.sequence == _OUR_SEQUENCE:
                return
            self._note(sent)
            self._to_server.write(sent.content)
            await self._to_server.drain()

    def _note(self, sent: Frame) -> None:
        """Remember what is to become of the answer to a message."""
        if sent.command != SUBMIT_SM:
            return
        with contextlib.suppress(smpp34.SmppError):
            read = smpp34.decode(sent.content)
            if isinstance(read, smpp34.SubmitSm):
                self._faults[sent.sequence] = fault_of(read.destination_addr)

    async def _downwards(self) -> None:
        while (sent := await read_frame(self._from_server)) is not None:
            fault = self._faults.pop(sent.sequence, None) if sent.is_answer(SUBMIT_SM) else None
            if fault is not None and sent.status:
                sent = _refused(sent, fault)
            if not await self._hand_on(sent, fault.link if fault else None):
                return
            await self._to_client.drain()

    async def _hand_on(self, sent: Frame, fault: LinkFault | None) -> bool:
        """Hand a frame to the client in the way of a fault; return whether the link goes on."""
        if fault is LinkFault.DROP_BEFORE:
            self._to_client.transport.abort()
            return False
        if fault is LinkFault.NACK:
            self._to_client.write(frame(GENERIC_NACK, sent.sequence, status=0x03).content)
        elif fault is LinkFault.BYTES:
            await self._byte_by_byte(sent)
        elif fault is LinkFault.LATE:
            asyncio.get_running_loop().call_later(_LATE_SECONDS, self._to_client.write, sent.content)
        elif fault is not LinkFault.SILENT:
            self._to_client.write(sent.content)
        if fault is LinkFault.DROP_AFTER:
            await self._to_client.drain()
            return False
        if fault is LinkFault.UNBIND:
            self._to_client.write(frame(UNBIND, _OUR_SEQUENCE).content)
        return True

    async def _byte_by_byte(self, sent: Frame) -> None:
        for byte in sent.content:
            self._to_client.write(bytes([byte]))
            await asyncio.sleep(0.002)


def _refused(sent: Frame, fault: Fault) -> Frame:
    """Return a refusal with the status of a vendor where it should have that; servers may know none of these."""
    status = next((each for each in fault.refusals if each >= _FIRST_OF_VENDORS), sent.status)
    return frame(sent.command, sent.sequence, status=status)
