"""Nobody takes the commands, nobody finishes them, or bodies are costly: clients hear at once, the gateway is small."""

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import aiohttp
import orjson

from deploy.local.ports import free_port
from tests.bench.load import closed_loop, post
from tests.reliability.client import Client
from tests.reliability.memory import resident_bytes
from tests.reliability.settings import BACK_SECONDS, STOPPED_SECONDS
from tests.running import Account, Stack

CONNECTIONS = 400
_WAITING = 200
# The goal is 100 ms; a test on a shared machine allows five times that.
_AT_ONCE_SECONDS = 0.5
# Those who send them need not be known to anybody.
COSTLY_BODIES = 12
# 0.3 s were measured; a dozen at once in threads of their own held up everybody for 1 to 6 s.
_HELD_UP_SECONDS = 1.5


async def _answered(client: Client, account: Account, code: int) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            answer = await client.call(account, "/user/message/insert", address="+436990000001", message="x")
            if answer["errorCode"] == code:
                return
            await asyncio.sleep(0.1)


async def test_nobody_consumes(stack: Stack) -> None:
    account = await stack.account()
    messages = stack.roles["messages"]
    async with Client(stack.base_url, stack.api_key) as client:
        await _answered(client, account, 0)
        await asyncio.to_thread(messages.stop)
        try:
            await asyncio.sleep(2)
            slowest = 0.0
            for _ in range(50):
                began = time.monotonic()
                answer = await client.call(account, "/user/message/insert", address="+436990000001", message="x")
                slowest = max(slowest, time.monotonic() - began)
                assert answer == {"errorCode": 99}
        finally:
            await asyncio.to_thread(messages.start)
        await _answered(client, account, 0)
    print(f"nobody consumes: slowest of 50 answers {slowest * 1000:.0f} ms")
    assert slowest < _AT_ONCE_SECONDS


async def test_workers_are_stopped_at_full_load(stack: Stack, tmp_path: Path) -> None:
    port = free_port()
    gateway = stack.another("gateway", {"PORT": str(port), "WAITING_PER_QUEUE": str(_WAITING)}, tmp_path)
    await asyncio.to_thread(gateway.start)
    account = await stack.account()
    try:
        async with Client(f"http://127.0.0.1:{port}", stack.api_key) as client:
            await _answered(client, account, 0)
            codes, grown = await _load_while_stopped(stack, gateway.pid, port, account)
            await _answered(client, account, 0)
    finally:
        await asyncio.to_thread(gateway.stop)
    print(
        f"workers stopped for {STOPPED_SECONDS} s: answers by code {dict(codes)}, gateway grew by {grown / 1e6:.1f} MB"
    )
    assert codes.keys() <= {0, 98, 99}
    assert codes[98] > CONNECTIONS
    assert grown < 64e6


async def _load_while_stopped(stack: Stack, pid: int, port: int, account: Account) -> tuple[Counter[int], int]:
    codes: Counter[int] = Counter()

    def accept(body: bytes) -> bool:
        codes[orjson.loads(body)["errorCode"]] += 1
        return True

    body = {"apiKey": stack.api_key, "authToken": account.auth_token, "address": "+436990000001", "message": "x" * 500}
    requests = [[post(f"http://127.0.0.1:{port}/json/user/message/insert", orjson.dumps(body))]] * CONNECTIONS
    await closed_loop(port, requests, 2, accept)
    codes.clear()
    before = resident_bytes(pid)
    worker = stack.roles["messages"].process
    worker.signal(signal.SIGSTOP)
    try:
        await closed_loop(port, requests, STOPPED_SECONDS, accept)
        grown = resident_bytes(pid) - before
    finally:
        worker.signal(signal.SIGCONT)
    return codes, grown


async def test_costly_bodies_hold_up_nobody(stack: Stack) -> None:
    account = await stack.account()
    costly = b'{"x":[' + b",".join([b"[]"] * 349_000) + b"]}"
    url, headers = f"{stack.base_url}/json/user/login", {"Content-Type": "application/json"}
    async with Client(stack.base_url, stack.api_key) as client, aiohttp.ClientSession(headers=headers) as session:
        await _answered(client, account, 0)
        sending = [asyncio.create_task(_status(session, url, costly)) for _ in range(COSTLY_BODIES)]
        slowest, calls = 0.0, 0
        while not all(each.done() for each in sending):
            began = time.monotonic()
            await client.read(account, "/user/message/conversations/get")
            slowest, calls = max(slowest, time.monotonic() - began), calls + 1
        assert {await each for each in sending} == {200}
    print(f"{COSTLY_BODIES} costly bodies: slowest of {calls} answers meanwhile {slowest * 1000:.0f} ms")
    assert slowest < _HELD_UP_SECONDS


async def test_costly_bodies_of_one_client_keep_no_other_waiting(stack: Stack, tmp_path: Path) -> None:
    port = free_port()
    gateway = stack.another("gateway", {"PORT": str(port), "TRUSTED_PROXIES": "127.0.0.1"}, tmp_path)
    await asyncio.to_thread(gateway.start)
    costly = b'{"x":[' + b",".join([b"[]"] * 349_000) + b"]}"
    url, headers = f"http://127.0.0.1:{port}/json/user/login", {"Content-Type": "application/json"}
    try:
        async with aiohttp.ClientSession(headers=headers) as session:
            sending = [asyncio.create_task(_status(session, url, costly)) for _ in range(COSTLY_BODIES)]
            await asyncio.sleep(0.5)
            other = {"X-Forwarded-For": "203.0.113.9"}
            async with session.post(url, data=b'{"x":"' + b"x" * 20_000 + b'"}', headers=other) as response:
                assert (await response.json())["errorCode"] == 600
            behind = sum(not each.done() for each in sending)
            await asyncio.gather(*sending)
    finally:
        await asyncio.to_thread(gateway.stop)
    print(f"{COSTLY_BODIES} costly bodies: another client's long one before {behind} of them")
    assert behind > COSTLY_BODIES / 2


async def _status(session: aiohttp.ClientSession, url: str, body: bytes) -> int:
    async with session.post(url, data=body) as response:
        return response.status
