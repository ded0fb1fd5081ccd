"""A carrier of the test's own: it keeps what it is asked, and answers as told, or not at all."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from multidict import CIMultiDict, MultiDict


class Asked(NamedTuple):
    method: str
    query: MultiDict[str]
    headers: CIMultiDict[str]
    body: bytes


class CarrierServer:
    """Counts requests; `answer` makes each answer."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = _taken
        self.url = ""

    def answers(self, status: int, text: str = "", **headers: str) -> None:
        """Answer like this from now on; an underscore in a header's name is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, text=text, headers=named)

        self.answer = answer

    def hangs(self) -> None:
        async def answer(_: web.Request) -> web.Response:
            await asyncio.sleep(60)
            raise AssertionError

        self.answer = answer

    def resets(self) -> None:
        """Read each request and reset its connection."""

        async def answer(request: web.Request) -> web.Response:
            assert request.transport is not None
            ending = request.transport.get_extra_info("socket")
            ending.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.transport.abort()
            return web.Response()

        self.answer = answer

    def writes(self, raw: bytes) -> None:
        """Answer with these bytes, HTTP or not, and close."""

        async def answer(request: web.Request) -> web.Response:
            assert request.transport is not None
            request.transport.write(raw)
            request.transport.close()
            return web.Response()

        self.answer = answer

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(Asked(request.method, MultiDict(request.query), CIMultiDict(request.headers), body))
        return await self.answer(request)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"
        try:
            yield
        finally:
            await runner.cleanup()


async def _taken(_: web.Request) -> web.Response:
    return web.Response(text="")
