"""Connections: bodies in pieces, bodies that never end, headers in several lines, and a gateway that leaves."""

import asyncio
import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.ports import free_port
from deploy.local.roles import is_ready
from tests.contract.gateways import another_gateway
from tests.running import Account, Role, Stack

_MEBIBYTE = 1024 * 1024
_INSERT, _PAGE = "/json/user/message/insert", "/json/user/message/get/by/conversation"
_HEADERS = {"Content-Type": "application/json"}


def _body(stack: Stack, account: Account, **fields: object) -> bytes:
    secrets = {"apiKey": stack.api_key, "authToken": account.auth_token}
    return json.dumps({**secrets, "address": "+436990000001", **fields}).encode()


def _connection(base_url: str) -> http.client.HTTPConnection:
    url = urlsplit(base_url)
    return http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)


def _answered(connection: http.client.HTTPConnection) -> tuple[int, bytes]:
    response = connection.getresponse()
    return response.status, response.read()


def _pieces(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize(("excess", "status"), [(0, 200), (1, 413)])
async def test_a_body_in_pieces_is_read_up_to_one_mebibyte(stack: Stack, excess: int, status: int) -> None:
    body = _body(stack, await stack.account(), message="hello").ljust(_MEBIBYTE + excess)
    connection = _connection(stack.base_url)
    connection.request("POST", _INSERT, _pieces(body), _HEADERS, encode_chunked=True)
    assert _answered(connection)[0] == status
    connection.close()


async def test_a_body_that_breaks_off_stores_nothing(stack: Stack) -> None:
    account = await stack.account()
    body = _body(stack, account, message="hello")
    url = urlsplit(stack.base_url)
    head = f"POST {_INSERT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 1}"
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"{head}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()
    connection = _connection(stack.base_url)
    connection.request("POST", _PAGE, _body(stack, account), _HEADERS)
    assert _answered(connection) == (200, b'{"errorCode":0,"messages":[]}')
    connection.close()


async def test_several_lines_of_accept_are_one(stack: Stack) -> None:
    connection = _connection(stack.base_url)
    connection.putrequest("POST", "/rest/user/message/conversations/get", skip_accept_encoding=True)
    for name, value in (("Accept", "text/html"), ("Accept", "application/xml"), ("Content-Length", "2")):
        connection.putheader(name, value)
    connection.endheaders(b"{}")
    status, body = _answered(connection)
    assert (status, body[:5]) == (200, b"<?xml")
    connection.close()


@pytest.fixture
def leaving(stack: Stack, tmp_path: Path) -> Iterator[Role]:
    with another_gateway(stack, tmp_path, {}) as role:
        yield role


async def test_a_leaving_gateway_answers_and_ends_the_connection(stack: Stack, leaving: Role) -> None:
    body = _body(stack, await stack.account(), message="hello")
    connection = _connection(leaving.base_url)
    connection.request("POST", _INSERT, body, _HEADERS)
    response = connection.getresponse()
    assert (json.loads(response.read())["errorCode"], response.will_close) == (0, False)
    os.kill(leaving.pid, signal.SIGTERM)
    await asyncio.sleep(0.2)
    connection.request("POST", _INSERT, body, _HEADERS)
    response = connection.getresponse()
    assert (json.loads(response.read())["errorCode"], response.headers["Connection"]) == (0, "close")
    connection.close()


async def test_a_leaving_gateway_is_not_ready_but_takes_new_connections(stack: Stack, tmp_path: Path) -> None:
    body = _body(stack, await stack.account(), message="hello")
    with another_gateway(stack, tmp_path, {"LEAVE_SECONDS": "4"}) as role:
        os.kill(role.pid, signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert not is_ready(role.health_port)
        connection = _connection(role.base_url)
        connection.request("POST", _INSERT, body, _HEADERS)
        response = connection.getresponse()
        assert (json.loads(response.read())["errorCode"], response.headers["Connection"]) == (0, "close")
        connection.close()
        await asyncio.to_thread(role.process.wait_gone)
        with pytest.raises(ConnectionRefusedError):
            _connection(role.base_url).connect()


async def test_a_body_that_is_still_arriving_when_the_gateway_leaves_is_answered(stack: Stack, tmp_path: Path) -> None:
    gateway = stack.another("gateway", {"PORT": str(free_port())}, tmp_path)
    await asyncio.to_thread(gateway.start)
    url = urlsplit(gateway.base_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"POST {_INSERT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode())
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await asyncio.to_thread(gateway.stop)
    took = time.monotonic() - began
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in answer
    # Two seconds; it took all of the 20 that a gateway has to finish in.
    assert took < 10
