"""Answers far larger than a message on the broker may be: all of them come, and no connection is lost over them."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.servers import Servers
from tests.reliability.client import Client
from tests.reliability.large import fill
from tests.reliability.settings import READERS
from tests.running import Role, Stack

MESSAGES, CHARACTERS = 1000, 1600
CONVERSATIONS = 100_000
_BUDGET_SECONDS = 30


@pytest.fixture
async def patient(stack: Stack, tmp_path: Path) -> AsyncIterator[Client]:
    """Yield a client of a gateway whose calls may take 30 s."""
    port = free_port()
    gateway = stack.another("gateway", {"PORT": str(port), "BUDGET_SECONDS": str(_BUDGET_SECONDS)}, tmp_path)
    await asyncio.to_thread(gateway.start)
    try:
        async with Client(f"http://127.0.0.1:{port}", stack.api_key, connections=READERS) as client:
            await asyncio.sleep(1)
            before = _links_lost(stack, gateway)
            yield client
            assert _links_lost(stack, gateway) == before
    finally:
        await asyncio.to_thread(gateway.stop)


def _links_lost(stack: Stack, gateway: Role) -> int:
    logs = [role.process.log for role in (*stack.roles.values(), gateway)]
    return sum(log.read_text().count('"link away"') for log in logs)


async def test_many_large_pages_at_once(servers: Servers, stack: Stack, patient: Client) -> None:
    account = await stack.account()
    await fill(servers, account, MESSAGES, "+436990000001", many=False, characters=CHARACTERS)
    fields = {"address": "+436990000001", "limit": MESSAGES}
    began = time.monotonic()
    answers = await asyncio.gather(
        *(patient.call(account, "/user/message/get/by/conversation", **fields) for _ in range(READERS))
    )
    print(f"{READERS} pages of {MESSAGES} messages of {CHARACTERS} characters in {time.monotonic() - began:.2f} s")
    assert [answer["errorCode"] for answer in answers] == [0] * READERS
    assert all(len(answer["messages"]) == MESSAGES for answer in answers)
    assert answers[0]["messages"][0]["message"] == f"{MESSAGES}".ljust(CHARACTERS, "ä")


async def test_a_hundred_thousand_conversations(servers: Servers, stack: Stack, patient: Client) -> None:
    account = await stack.account()
    await fill(servers, account, CONVERSATIONS, "+43699", many=True, characters=100)
    began = time.monotonic()
    answer = await patient.call(account, "/user/message/conversations/get")
    print(f"{CONVERSATIONS} conversations in {time.monotonic() - began:.2f} s")
    assert answer["errorCode"] == 0
    assert len({each["address"] for each in answer["conversations"]}) == CONVERSATIONS
