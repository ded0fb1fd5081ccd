"""A send to a number that no account has goes out by a carrier, and its sender sees what became of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.servers import Servers
from shared.contract import dates
from tests.integration.delivery_rows import timeline
from tests.integration.test_twins import PAGE, SEND, until
from tests.reliability.client import Client
from tests.running import Account, Stack

SMS = "/remote/sms/send"
NUMBER = "436990000000"


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with Client(stack.base_url, stack.api_key) as client:
        yield client


async def page(client: Client, account: Account, address: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await client.read(account, PAGE, address=address))["messages"]
    return messages


async def test_a_send_to_nobody_we_know_goes_by_carrier(servers: Servers, stack: Stack, client: Client) -> None:
    sender = await stack.account()
    sent = await client.call(sender, SEND, recipient=int(NUMBER), message="hello")
    (message,) = await until(lambda: page(client, sender, f"+{NUMBER}"), lambda found: found[0]["status"] != 1)
    assert (message["messageId"], message["status"], message["origin"]) == (sent["messageId"], 2, 1)
    assert message["dateSent"] <= message["dateStatus"] <= dates.now()
    assert await timeline(servers.postgres.url, sender.account_id, sent["messageId"]) == [
        ("queued", ""), ("submitting", "console"), ("accepted", "the carrier gives no receipts"),
        ("delivered", "the carrier gives no receipts"),
    ]  # fmt: skip
