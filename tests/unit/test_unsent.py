"""Answers over a connection that holds little, to a client that stops reading when the test says so."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from services.gateway.unsent import Unsent

LONG = 400_000


class Connection:
    """One request and its answer of `LONG` octets; `sent` is set when all of it is with the transport."""

    def __init__(self, unsent: Unsent) -> None:
        self._unsent = unsent
        self.begun, self.sent = asyncio.Event(), asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self.socket = socket.socket()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        self.transport = request.transport
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        response = web.Response(body=b"x" * LONG)
        self.begun.set()
        await self._unsent.send(request, response)
        self.sent.set()
        return response

    async def ask(self) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")

    async def read(self, octets: int) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.socket, octets)

    async def read_until_sent(self) -> None:
        while not self.sent.is_set():
            await self.read(1024)
            await asyncio.sleep(0)

    def unread(self) -> int:
        assert self.transport is not None
        return self.transport.get_write_buffer_size()


@asynccontextmanager
async def asking(unsent: Unsent) -> AsyncIterator[Connection]:
    """Ask for an answer, and read nothing of it."""
    connection = Connection(unsent)
    runner = web.ServerRunner(web.Server(connection.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    with connection.socket as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(client, runner.addresses[0])
        await connection.ask()
        await asyncio.wait_for(connection.begun.wait(), 5)
        yield connection
    await runner.cleanup()


async def looked(unsent: Unsent, connection: Connection, *ages: float) -> bool:
    """Look at so many seconds from now; return whether the connection was cut off."""
    for age in ages:
        unsent.look(time.monotonic() + age)
    assert connection.transport is not None
    return connection.transport.is_closing()


async def _stalled(unsent: Unsent, stop: Callable[[Connection], Awaitable[None]]) -> tuple[bool, bool]:
    async with asking(unsent) as connection:
        await stop(connection)
        assert connection.unread()
        early = await looked(unsent, connection, 0, 29)
        return early, await looked(unsent, connection, 31)


async def test_who_reads_nothing_is_cut_off_after_30_seconds() -> None:
    async def at_once(_: Connection) -> None:
        await asyncio.sleep(0.05)

    assert await _stalled(Unsent(LONG * 2), at_once) == (False, True)


async def test_who_does_not_read_the_end_is_cut_off_too() -> None:
    assert await _stalled(Unsent(LONG * 2), Connection.read_until_sent) == (False, True)


async def test_who_reads_a_little_stays() -> None:
    unsent = Unsent(LONG * 2)
    async with asking(unsent) as connection:
        assert not await looked(unsent, connection, 0)
        before = connection.unread()
        while connection.unread() == before:
            await connection.read(4096)
            await asyncio.sleep(0)
        assert not await looked(unsent, connection, 25, 50)
        assert await looked(unsent, connection, 56)


async def test_who_has_the_next_answer_before_the_end_of_the_last_one_stays() -> None:
    unsent = Unsent(LONG * 2)
    async with asking(unsent) as connection:
        await connection.read_until_sent()
        assert not await looked(unsent, connection, 0)
        connection.sent.clear()
        await connection.ask()
        while connection.unread() < LONG // 2:
            await connection.read(1024)
            await asyncio.sleep(0)
        assert not await looked(unsent, connection, 29)
        assert not await looked(unsent, connection, 31)
        assert await looked(unsent, connection, 60)


async def test_there_is_room_until_the_long_answers_are_too_long_together() -> None:
    unsent = Unsent(LONG // 2)
    assert unsent.room()
    async with asking(unsent) as connection:
        await asyncio.sleep(0.05)
        assert not unsent.room()
        assert not unsent.room(LONG)
        assert unsent.room(1000)
        assert not await looked(unsent, connection, 0, 4)
        assert await looked(unsent, connection, 6)
        await asyncio.sleep(0.05)
        assert unsent.room()


async def test_an_answer_that_waits_in_memory_takes_room() -> None:
    unsent = Unsent(LONG // 2)
    with unsent.holding(LONG):
        assert not unsent.room(LONG)
    assert unsent.room(LONG)


async def test_without_room_who_reads_a_little_now_and_then_has_a_minute() -> None:
    unsent = Unsent(LONG // 2)
    async with asking(unsent) as connection:
        for age in range(0, 60, 4):
            before = connection.unread()
            while connection.unread() == before:
                await connection.read(1024)
                await asyncio.sleep(0)
            assert not await looked(unsent, connection, age)
        assert await looked(unsent, connection, 61)
