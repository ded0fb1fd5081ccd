"""A send to an account reaches its mailbox, and the sender's copy says so."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import aio_pika
import asyncpg
import pytest

from deploy.local.servers import Servers
from services.messages.handlers import Messages
from shared.bus.events import batch_message
from shared.bus.topology import DELIVERY_EVENTS
from shared.contract import dates
from shared.contract.events import Event, Fact
from shared.contract.messages import UserMessageSendRequest
from tests.integration.mailbox_rig import context, mailbox_rig, message, taken
from tests.reliability.client import Client
from tests.running import Account, Stack

T = TypeVar("T")

SEND = "/user/message/send"
PAGE = "/user/message/get/by/conversation"
# The goal is 2 s.
ARRIVED_SECONDS = 10.0
LONG_MESSAGES = 200
_JOBS = "select message_id, due_at from delivery_job where account_id = $1 order by message_id"


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with Client(stack.base_url, stack.api_key) as client:
        yield client


async def until(look: Callable[[], Awaitable[T]], holds: Callable[[T], Any], *, seconds: float = ARRIVED_SECONDS) -> T:
    """Look until it holds, and return what was seen."""
    end = time.monotonic() + seconds
    while not holds(seen := await look()):
        assert time.monotonic() < end, f"still {seen}"
        await asyncio.sleep(0.05)
    return seen


async def _message(client: Client, account: Account, address: str) -> dict[str, Any]:
    """Wait for the newest message of a conversation."""
    return (await until(lambda: _messages(client, account, address), bool))[0]


async def _completed(client: Client, account: Account, address: str) -> dict[str, Any]:
    """Wait until the newest message of a conversation is not pending."""
    return await until(lambda: _message(client, account, address), lambda found: found["status"] != 1)


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


async def test_one_who_writes_to_himself_has_both_in_one_conversation(stack: Stack, client: Client) -> None:
    account = await stack.account()
    address = f"+{account.msisdn}"
    await client.call(account, SEND, recipient=int(account.msisdn), message="note")
    messages = await until(
        lambda: _messages(client, account, address), lambda found: len(found) == 2 and found[1]["status"] != 1
    )
    assert [(each["incoming"], each["status"], each["origin"]) for each in messages] == [(True, 0, 2), (False, 2, 2)]
    (conversation,) = (await client.read(account, "/user/message/conversations/get"))["conversations"]
    assert (conversation["messages"], conversation["messagesUnread"], conversation["messagesUnsent"]) == (2, 1, 0)


async def test_a_disabled_account_gets_its_messages(servers: Servers, stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    await _run(servers, "update account set disabled = true where id = $1", recipient.account_id)
    await client.call(sender, SEND, recipient=int(recipient.msisdn), message="hello")
    await _completed(client, sender, f"+{recipient.msisdn}")
    await _run(servers, "update account set disabled = false where id = $1", recipient.account_id)
    assert (await _message(client, recipient, f"+{sender.msisdn}"))["message"] == "hello"


async def test_a_later_send_waits(servers: Servers, stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    later = dates.now() + 3_600_000
    timed = await client.call(sender, SEND, recipient=int(recipient.msisdn), message="later", dateSendOn=later)
    rows = await until(lambda: _run(servers, _JOBS, sender.account_id), bool)
    assert [tuple(row) for row in rows] == [(timed["messageId"], later)]
    copy = await _message(client, sender, f"+{recipient.msisdn}")
    assert (copy["status"], copy["dateStatus"]) == (4, later)
    assert await _messages(client, recipient, f"+{sender.msisdn}") == []


async def test_a_twin_that_its_recipient_deleted_does_not_come_back(
    servers: Servers, stack: Stack, client: Client
) -> None:
    sender, recipient = await stack.accounts(2)
    address = f"+{sender.msisdn}"
    sent = await client.call(sender, SEND, recipient=int(recipient.msisdn), message="once")
    await _completed(client, sender, f"+{recipient.msisdn}")
    twin = await _message(client, recipient, address)
    await client.call(recipient, "/user/message/delete", messageId=twin["messageId"])
    # As if the sender's copy had not been settled: the event then goes the whole way again.
    await _run(servers, "update message set status = 1 where account_id = $1", sender.account_id)
    await _publish(servers, Event(Fact.SEND_REQUESTED, sender.account_id, sent["messageId"], 1, dates.now()))
    await _completed(client, sender, f"+{recipient.msisdn}")
    assert await _messages(client, recipient, address) == []


async def test_a_settled_send_never_goes_backwards(servers: Servers, stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    sent = await client.call(sender, SEND, recipient=int(recipient.msisdn), message="once")
    before = await _completed(client, sender, f"+{recipient.msisdn}")
    await _publish(servers, Event(Fact.SEND_REQUESTED, sender.account_id, sent["messageId"], 1, dates.now()))
    await client.call(sender, SEND, recipient=int(recipient.msisdn), message="behind it")
    messages = await until(lambda: _messages(client, recipient, f"+{sender.msisdn}"), lambda found: len(found) == 2)
    assert [each["message"] for each in messages] == ["behind it", "once"]
    assert (await _messages(client, sender, f"+{recipient.msisdn}"))[1] == before


async def test_a_sender_whose_number_is_gone_learns_that_it_failed(servers: Servers, stack: Stack) -> None:
    recipient = await stack.account()
    nameless = await stack.numberless_account()
    request = UserMessageSendRequest(recipient=int(recipient.msisdn), message="whose?")
    async with mailbox_rig(servers.postgres.url) as rig:
        # With a number at the time of the call.
        command = context(nameless.account_id, "message.send", msisdn=436990000000)
        taken(await Messages(rig.mailbox).send([(request, command)]))
        await until(
            lambda: rig.page(nameless.account_id, f"+{recipient.msisdn}"), lambda found: found[0]["status"] == 3
        )
        assert await rig.rows("select from message where account_id = $1", recipient.account_id) == []


async def test_accounts_that_are_down_are_not_no_accounts(servers: Servers, stack: Stack, client: Client) -> None:
    sender, recipient = await stack.accounts(2)
    request = UserMessageSendRequest(recipient=int(recipient.msisdn), message="patience")
    accounts = stack.roles["accounts"]
    await asyncio.to_thread(accounts.stop)
    try:
        async with mailbox_rig(servers.postgres.url) as rig:
            command = context(sender.account_id, "message.send", msisdn=int(sender.msisdn))
            taken(await Messages(rig.mailbox).send([(request, command)]))
        await asyncio.sleep(2)
        assert await _run(servers, _JOBS, sender.account_id) == []
    finally:
        await asyncio.to_thread(accounts.start)
    assert (await _message(client, recipient, f"+{sender.msisdn}"))["message"] == "patience"


async def test_a_locked_recipient_holds_up_no_other(servers: Servers, stack: Stack) -> None:
    sender, locked, free = await stack.accounts(3)
    command = context(sender.account_id, "message.send", msisdn=int(sender.msisdn))
    requests = [UserMessageSendRequest(recipient=int(each.msisdn), message="hello") for each in (locked, free)]
    async with mailbox_rig(servers.postgres.url) as rig:
        await rig.rows("select mailbox_lock(array[$1::bigint], false)", locked.account_id)

        async def copy(recipient: Account) -> dict[str, Any]:
            (message,) = await rig.page(sender.account_id, f"+{recipient.msisdn}")
            return message

        async with rig.locked(locked.account_id):
            taken(await Messages(rig.mailbox).send([(request, command) for request in requests]))
            await until(lambda: copy(free), lambda message: message["status"] == 2)
            assert (await copy(locked))["status"] == 1
        await until(lambda: copy(locked), lambda message: message["status"] == 2)
        assert len(await rig.page(locked.account_id, f"+{sender.msisdn}")) == 1


async def test_long_messages_arrive_though_one_batch_holds_many(servers: Servers, stack: Stack) -> None:
    (sender,), recipients = await stack.accounts(1), await stack.accounts(LONG_MESSAGES)
    async with mailbox_rig(servers.postgres.url) as rig:
        ids: list[int] = []
        for recipient in recipients:
            # Without an event of its own.
            text = message(sender.account_id, f"+{recipient.msisdn}", "x" * 1_000_000)
            ids += await rig.insert(text._replace(incoming=False, status=1))
        await _publish(servers, *(Event(Fact.SEND_REQUESTED, sender.account_id, each, 1, dates.now()) for each in ids))
        pending = "select from message where account_id = $1 and status = 1"
        await until(lambda: _run(servers, pending, sender.account_id), lambda found: not found, seconds=60)
        twins = "select count(*)::int as twins from message where incoming and account_id = any ($1)"
        found = await rig.rows(twins, [recipient.account_id for recipient in recipients])
    assert found == [{"twins": LONG_MESSAGES}]


async def _messages(client: Client, account: Account, address: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await client.read(account, PAGE, address=address))["messages"]
    return messages


async def _run(servers: Servers, query: str, account_id: int) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        return await connection.fetch(query, account_id)
    finally:
        await connection.close()


async def _publish(servers: Servers, *events: Event) -> None:
    async with await aio_pika.connect(servers.rabbitmq.url) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(batch_message(events), DELIVERY_EVENTS.name)
