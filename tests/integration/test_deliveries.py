"""A send to a number that no account has goes out by a carrier, and its sender sees what became of it."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from deploy.local.servers import Servers
from shared.contract import dates
from tests.integration.delivery_rows import job, rows, timeline
from tests.integration.test_twins import PAGE, SEND, until
from tests.reliability.client import Client
from tests.running import Account, Stack

SMS = "/remote/sms/send"
# Of the carrier that takes everything at once.
JOBS = "select message_id from delivery_job where account_id = $1 order by message_id"
NUMBER = "436990000770"


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


async def test_a_stored_text_is_in_its_conversation_and_always_by_carrier(stack: Stack, client: Client) -> None:
    sender, other = await stack.accounts(2)
    recipients = ["+43 699 000 0771", f"+{other.msisdn}", "+436990000771"]
    sent = await client.call(
        sender, SMS, recipients=recipients, message="hello", store=True, smsConnectorId=7, encoding=2
    )
    ids = [ack["messageId"] for ack in sent["remoteSmsSendAcks"]]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    twice = await until(lambda: page(client, sender, "+436990000771"), lambda found: done(found, 2))
    assert [(each["messageId"], each["origin"], each["incoming"], each["read"]) for each in twice] == [
        (ids[2], 7, False, True), (ids[0], 7, False, True),
    ]  # fmt: skip
    (waiting,) = await page(client, sender, f"+{other.msisdn}")
    assert (waiting["status"], waiting["origin"]) == (1, 7)
    assert await page(client, other, f"+{sender.msisdn}") == []


async def test_a_text_that_is_not_stored_is_nowhere_to_be_seen(servers: Servers, stack: Stack, client: Client) -> None:
    sender = await stack.account()
    url = servers.postgres.url
    sent = await client.call(sender, SMS, recipients=["+436990000771", "436990000772"], message="secret")
    first, second = (ack["messageId"] for ack in sent["remoteSmsSendAcks"])
    kept = await until(lambda: job(url, sender.account_id, first), lambda found: found and found["state"] == "done")
    assert kept is not None
    assert (kept["hidden"], kept["body"], second) == (True, None, first + 1)
    assert (await client.read(sender, "/user/message/conversations/get"))["conversations"] == []
    assert await rows(url, "select from message where account_id = $1", sender.account_id) == []
    assert await rows(url, "select from outbox where account_id = $1", sender.account_id) == []
    stored = await client.call(sender, "/user/message/insert", address="+436990000771", message="next")
    assert stored["messageId"] == second + 1
    assert (await page(client, sender, "+436990000771"))[0]["message"] == "next"


async def test_one_without_a_number_may_send_texts(servers: Servers, stack: Stack, client: Client) -> None:
    nameless = await stack.numberless_account()
    sent = await client.call(nameless, SMS, recipients=["+436990000771"], message="hello", store=True)
    message_id = sent["remoteSmsSendAcks"][0]["messageId"]
    await until(lambda: page(client, nameless, "+436990000771"), lambda found: done(found, 1))
    kept = await job(servers.postgres.url, nameless.account_id, message_id)
    assert kept is not None
    assert kept["sender"] == ""


async def test_a_text_for_later_is_sent_when_due(servers: Servers, stack: Stack, client: Client) -> None:
    sender = await stack.account()
    due = dates.now() + 2_500
    sent = await client.call(sender, SEND, recipient=int(NUMBER), message="later", dateSendOn=due)
    (before,) = await page(client, sender, f"+{NUMBER}")
    assert (before["status"], before["dateStatus"]) == (4, due)
    (message,) = await until(lambda: page(client, sender, f"+{NUMBER}"), lambda found: done(found, 1))
    assert message["status"] == 2
    assert message["dateStatus"] >= due
    assert message["dateSent"] == before["dateSent"]
    assert [state for state, _ in await timeline(servers.postgres.url, sender.account_id, sent["messageId"])] == [
        "queued", "submitting", "accepted", "delivered",
    ]  # fmt: skip


async def test_a_twin_for_later_comes_when_due_with_the_time_of_sending(stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    due = dates.now() + 2_500
    await client.call(sender, SEND, recipient=int(recipient.msisdn), message="later", dateSendOn=due)
    assert await page(client, recipient, f"+{sender.msisdn}") == []
    (twin,) = await until(lambda: page(client, recipient, f"+{sender.msisdn}"), bool)
    (copy,) = await until(lambda: page(client, sender, f"+{recipient.msisdn}"), lambda found: done(found, 1))
    assert (copy["status"], copy["origin"]) == (2, 2)
    assert due <= twin["dateSent"] <= copy["dateStatus"]
    assert copy["dateSent"] < due


async def test_deleting_a_message_before_it_is_due_cancels_it(servers: Servers, stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    due = dates.now() + 2_000
    numbers = [int(NUMBER), int(recipient.msisdn)]
    sent = [await client.call(sender, SEND, recipient=number, message="never", dateSendOn=due) for number in numbers]
    await until(lambda: rows(servers.postgres.url, JOBS, sender.account_id), lambda found: len(found) == 2)
    await client.call(sender, "/user/message/delete", messageId=sent[0]["messageId"])
    await client.call(sender, "/user/message/conversations/delete", address=f"+{recipient.msisdn}")
    for each in sent:
        look = partial(timeline, servers.postgres.url, sender.account_id, each["messageId"])
        assert await until(look, lambda found: len(found) == 2) == [
            ("queued", ""),
            ("cancelled", "the message is gone"),
        ]
    assert await page(client, recipient, f"+{sender.msisdn}") == []


def done(messages: list[dict[str, Any]], count: int) -> bool:
    """Whether there are so many messages, all of them done."""
    return len(messages) == count and all(each["status"] not in {1, 4} for each in messages)
