"""A send to an account reaches its mailbox, and the sender's copy says so."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.reliability.client import Client
from tests.running import Account, Stack

SEND = "/user/message/send"
PAGE = "/user/message/get/by/conversation"
# The goal is 2 s.
ARRIVED_SECONDS = 10.0


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with Client(stack.base_url, stack.api_key) as client:
        yield client


async def _message(client: Client, account: Account, address: str) -> dict[str, Any]:
    """Wait for the newest message of a conversation."""
    end = time.monotonic() + ARRIVED_SECONDS
    while True:
        messages = (await client.read(account, PAGE, address=address))["messages"]
        if messages:
            return dict(messages[0])
        assert time.monotonic() < end, "nothing arrived"
        await asyncio.sleep(0.05)


async def _completed(client: Client, account: Account, address: str) -> dict[str, Any]:
    end = time.monotonic() + ARRIVED_SECONDS
    while (message := await _message(client, account, address))["status"] == 1:
        assert time.monotonic() < end, "the sender was not told"
        await asyncio.sleep(0.05)
    return message


async def test_a_send_arrives_and_the_sender_sees_it(stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    sent = await client.call(sender, SEND, recipient=int(recipient.msisdn), message="hello")
    assert sent["errorCode"] == 0
    copy = await _completed(client, sender, f"+{recipient.msisdn}")
    twin = await _message(client, recipient, f"+{sender.msisdn}")
    assert twin == {
        "messageId": 1, "address": f"+{sender.msisdn}", "message": "hello", "incoming": True, "read": False,
        "locked": False, "origin": 2, "status": 0, "dateSent": copy["dateSent"], "dateStatus": None,
    }  # fmt: skip
    assert copy["messageId"] == sent["messageId"]
    assert (copy["origin"], copy["status"], copy["read"], copy["incoming"]) == (2, 2, True, False)
    assert copy["dateSent"] <= copy["dateStatus"] <= copy["dateSent"] + ARRIVED_SECONDS * 1000
