"""A call ends with its one budget, and no command runs after it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from deploy.local.process import wait_until
from deploy.local.roles import sees_workers
from shared.settings import Settings
from tests.reliability.client import Client
from tests.running import Account, Stack

INSERT = "/user/message/insert"
PAGE = "/user/message/get/by/conversation"
ADDRESS = "+436990000001"
BUDGET_SECONDS = Settings().budget_seconds
_LOOK_UP_SECONDS = 1.5


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    """Yield a client of the stack."""
    async with Client(stack.base_url, stack.api_key) as client:
        yield client


async def _texts(client: Client, account: Account) -> list[str]:
    page = await client.read(account, PAGE, address=ADDRESS)
    return [entry["message"] for entry in page["messages"]]


async def test_a_command_that_a_stopped_worker_finds_later_is_not_run(stack: Stack, client: Client) -> None:
    account, worker = await stack.account(), stack.roles["messages"].process
    await client.read(account, PAGE, address=ADDRESS)
    worker.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = await client.call(account, INSERT, address=ADDRESS, message="late")
        await asyncio.sleep(began + BUDGET_SECONDS + 1 - time.monotonic())
    finally:
        worker.signal(signal.SIGCONT)
    assert answer == {"errorCode": 99}
    await asyncio.sleep(2)
    assert await _texts(client, account) == []
    assert (await client.call(account, INSERT, address=ADDRESS, message="in time"))["errorCode"] == 0
    assert await _texts(client, account) == ["in time"]


async def test_a_slow_look_up_and_a_stopped_worker_share_one_budget(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    account, accounts, worker = await stack.account(), stack.roles["accounts"], stack.roles["messages"].process
    slow = stack.another("accounts", {"FAILPOINTS": f"server.received=sleep:{_LOOK_UP_SECONDS}"}, tmp_path)
    await asyncio.to_thread(accounts.stop)
    try:
        await asyncio.to_thread(slow.start)
        seen = partial(sees_workers, stack.roles["gateway"].health_port)
        await asyncio.to_thread(wait_until, seen, "the slow accounts", 30)
        worker.signal(signal.SIGSTOP)
        began = time.monotonic()
        answer = await client.call(account, INSERT, address=ADDRESS, message="late")
        took = time.monotonic() - began
    finally:
        worker.signal(signal.SIGCONT)
        await asyncio.to_thread(slow.stop)
        await asyncio.to_thread(accounts.start)
        # It may find at any time that it missed the broker's heartbeats, and connect anew while another test calls it.
        await asyncio.to_thread(stack.roles["messages"].restart)
    assert answer == {"errorCode": 99}
    assert BUDGET_SECONDS - 0.5 < took < BUDGET_SECONDS + _LOOK_UP_SECONDS - 0.5
