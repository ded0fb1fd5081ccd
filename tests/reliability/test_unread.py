"""Clients that do not read their answers are cut off; those that do, however slowly, get theirs."""

import asyncio
import json
import re
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.servers import Servers
from shared.contract.faults import Fault
from tests.reliability.client import Client
from tests.reliability.large import fill
from tests.reliability.memory import resident_bytes
from tests.running import Account, Role, Stack

ADDRESS = "+436990000001"
# 15 MB: an ä has two octets.
MESSAGES, CHARACTERS, PAGE_OCTETS = 500, 15_000, 15_000_000
ROOM = 64 * 1024 * 1024
UNREADING = 30
_ENDS = {"whole", "cut", "refused"}
_CODE = re.compile(rb"errorCode\W+(\d+)")
PAGE, LIST = "/user/message/get/by/conversation", "/user/message/conversations/get"


@pytest.fixture
async def narrow(stack: Stack, tmp_path: Path) -> AsyncIterator[Role]:
    """Yield a gateway that has room for four such pages."""
    settings = {"PORT": str(free_port()), "UNSENT_OCTETS": str(ROOM), "BUDGET_SECONDS": "60"}
    gateway = stack.another("gateway", settings, tmp_path)
    await asyncio.to_thread(gateway.start)
    try:
        await asyncio.sleep(1)
        yield gateway
    finally:
        await asyncio.to_thread(gateway.stop)


def _asking(stack: Stack, gateway: Role, account: Account, mount: str = "json") -> socket.socket:
    """Ask for a page over a connection that holds little by itself."""
    port = int(gateway.base_url.rpartition(":")[2])
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.connect(("127.0.0.1", port))
    secrets = {"apiKey": stack.api_key, "authToken": account.auth_token}
    body = json.dumps({**secrets, "address": ADDRESS, "limit": MESSAGES}).encode()
    headers = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head = f"POST /{mount}{PAGE} HTTP/1.1\r\n{headers}\r\n"
    connection.sendall(head.encode() + body)
    return connection


def _read_slowly(connection: socket.socket) -> int:
    """Read an answer to its end, with a pause now and then; return how long its body is."""
    connection.settimeout(60)
    found = 0
    with connection, HTTPResponse(connection) as answer:
        answer.begin()
        length = answer.length
        while piece := answer.read(1_048_576):
            found += len(piece)
            time.sleep(0.5)
    assert found == length
    return found


def _end(connection: socket.socket) -> str:
    """Say how an answer that nobody read ended: `whole`, `cut`, `refused`, `silent`, or the code of another fault."""
    connection.settimeout(60)
    try:
        with HTTPResponse(connection) as answer:
            answer.begin()
            body = answer.read()
    except (ConnectionResetError, HTTPException):
        return "cut"
    except TimeoutError:
        return "silent"
    if len(body) > PAGE_OCTETS:
        return "whole"
    code = _CODE.search(body)
    assert code is not None, body
    return "refused" if int(code[1]) == Fault.TOO_MANY_REQUESTS else code[1].decode()


async def test_clients_that_do_not_read_make_room(servers: Servers, stack: Stack, narrow: Role) -> None:
    account, other = await stack.accounts(2)
    await fill(servers, account, MESSAGES, ADDRESS, many=False, characters=CHARACTERS)
    async with Client(narrow.base_url, stack.api_key) as client:
        assert len((await client.read(account, PAGE, address=ADDRESS, limit=MESSAGES))["messages"]) == MESSAGES
        before = resident_bytes(narrow.pid)
        with ExitStack() as open_connections:
            reading = asyncio.create_task(asyncio.to_thread(_read_slowly, _asking(stack, narrow, account)))
            unreading, codes = [], []
            for _ in range(UNREADING):
                unreading.append(open_connections.enter_context(_asking(stack, narrow, account)))
                codes.append((await client.call(other, LIST))["errorCode"])
                await asyncio.sleep(0.5)
            grown = resident_bytes(narrow.pid) - before
            assert await reading > PAGE_OCTETS
            ends = Counter(await asyncio.gather(*(asyncio.to_thread(_end, each) for each in unreading)))
        assert await client.read(other, LIST) == {"errorCode": 0, "conversations": []}
    print(f"{UNREADING} pages of {PAGE_OCTETS / 1e6:.0f} MB asked for: {dict(ends)}, {grown / 1e6:.0f} MB of memory")
    assert set(codes) == {0, 98}
    assert ends["cut"] > 0
    assert ends["refused"] > 0
    assert ends.keys() <= _ENDS, ends
    assert grown < UNREADING * PAGE_OCTETS / 2


@pytest.mark.parametrize("mount", ["json", "xml"])
async def test_calls_under_way_when_the_room_ends_do_not_add_to_it(
    servers: Servers, stack: Stack, narrow: Role, mount: str
) -> None:
    account = await stack.account()
    await fill(servers, account, MESSAGES, ADDRESS, many=False, characters=CHARACTERS)
    async with Client(narrow.base_url, stack.api_key) as client:
        assert len((await client.read(account, PAGE, address=ADDRESS, limit=MESSAGES))["messages"]) == MESSAGES
    before = resident_bytes(narrow.pid)
    with ExitStack() as open_connections:
        unreading = [open_connections.enter_context(_asking(stack, narrow, account, mount)) for _ in range(UNREADING)]
        grown = await _most_grown(narrow.pid, before)
        ends = Counter(await asyncio.gather(*(asyncio.to_thread(_end, each) for each in unreading)))
    print(f"{UNREADING} pages asked for at once as {mount}: {dict(ends)}, {grown / 1e6:.0f} MB of memory")
    assert ends["refused"] > 0
    assert ends.keys() <= _ENDS, ends
    assert grown < UNREADING * PAGE_OCTETS * 3 / 4


async def _most_grown(pid: int, before: int) -> int:
    """Return by how much a process grew at most until it has not grown for a while."""
    most, grown_at = 0, time.monotonic()
    while time.monotonic() < grown_at + 5:
        grown = resident_bytes(pid) - before
        if grown > most:
            most, grown_at = grown, time.monotonic()
        await asyncio.sleep(0.1)
    return most
