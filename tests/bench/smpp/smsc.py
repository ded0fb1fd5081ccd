"""The SMPP carrier of the bench: takes every part at once. `python -m tests.bench.smpp.smsc PORT`."""

import asyncio
import sys

from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.frames import Frames


class _Smsc(asyncio.Protocol):
    """Answers each request, a submission with an id."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._ids = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"".join(self._answer(pdus.pdu(octets)) for octets in self._frames.cut(data)))

    def _answer(self, asked: pdus.Pdu) -> bytes:
        command, body = pdus.answer_to(asked.command), b""
        if asked.command == pdus.SUBMIT:
            self._ids += 1
            # The ids of one connection are not those of another.
            body = b"%d-%d\0" % (id(self), self._ids)
        return pdus.request(command, asked.sequence, body)


async def _main(port: int) -> None:
    await asyncio.get_running_loop().create_server(_Smsc, "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
