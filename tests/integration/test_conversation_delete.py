"""Deleting conversations: gone at once for every read and write, and a message meanwhile opens another one."""

import json
import time
from collections.abc import AsyncIterator
from inspect import isawaitable

import pytest

from deploy.local.servers import Servers
from services.conversations.handlers import Conversations
from shared.bus.routes import Context
from shared.contract.conversations import (
    UserMessageDeleteConversationListRequest,
    UserMessageDeleteConversationListResponse,
    UserMessageDeleteConversationRequest,
    UserMessageDeleteConversationResponse,
)
from shared.contract.faults import Fault
from shared.contract.operation import Identity
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Closing, Flags, Reading, Removal
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import FRIEND, SHOP, TIMEOUT, Rig, accounts, mailbox_rig, message, taken, within


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """Yield a mailbox on a database where no purge is at work."""
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        yield rig


async def delete(rig: Rig, account: int, *addresses: str) -> None:
    closings = [Closing(account, json.dumps(addresses))]
    assert taken(await rig.mailbox.delete_conversations(closings, within(closings))) == [0]


async def everything(rig: Rig, account: int) -> list[object]:
    """Return all rows of an account."""
    return [
        await rig.rows(f"select * from {table} where account_id = $1 order by 2", account)
        for table in ("mailbox", "conversation", "message", "outbox")
    ]


async def addresses_of(rig: Rig, account: int) -> set[str]:
    return {entry["address"] for entry in await rig.mailbox.conversations(account, timeout=TIMEOUT)}


async def test_a_deleted_conversation_is_gone_for_reads_and_writes(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(message(account), message(account))
    await delete(rig, account, FRIEND)
    assert await rig.page(account, FRIEND) == []
    assert await addresses_of(rig, account) == set()

    before = await everything(rig, account)
    for written in (
        await rig.mailbox.update([Flags(account, 1, read=True, locked=True)], within([0])),
        await rig.mailbox.delete([Removal(account, 2)], within([0])),
        await rig.mailbox.read([Reading(account, FRIEND)], within([0])),
        await rig.mailbox.delete_conversations([Closing(account, json.dumps([FRIEND]))], within([0])),
    ):
        assert taken(written) == [0]
    assert await everything(rig, account) == before


async def test_a_message_after_the_delete_opens_another_conversation(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(message(account, date_sent=9_000), message(account))
    await delete(rig, account, FRIEND)
    assert await rig.insert(message(account, body="meanwhile")) == [3]
    assert [entry["messageId"] for entry in await rig.page(account, FRIEND)] == [3]
    (conversation,) = await rig.mailbox.conversations(account, timeout=TIMEOUT)
    assert conversation == {
        "address": FRIEND, "snippet": "meanwhile", "messagesUnread": 1, "messagesUnsent": 0, "messages": 1,
        "maxMessageId": 3, "dateLastMessage": 1_000,
    }  # fmt: skip
    await rig.rows("select conversation_purge($1, 1000, 0)", account)
    assert [entry["messageId"] for entry in await rig.page(account, FRIEND)] == [3]
    await rig.assert_counted(account)


async def test_a_list_is_taken_as_a_whole(rig: Rig) -> None:
    account, other = next(accounts), next(accounts)
    await rig.insert(*(message(account, address) for address in ("a", "b", "c", '","', "{}")), message(other, "a"))
    await delete(rig, account, "a", "nobody", "", "c", "a", '","', "{}", "x" * 10_000)
    assert await addresses_of(rig, account) == {"b"}
    assert await addresses_of(rig, other) == {"a"}


async def test_a_list_of_unknown_addresses_changes_nothing(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(message(account))
    before = await everything(rig, account)
    await delete(rig, account, "nobody", SHOP, "")
    await delete(rig, account)
    assert await everything(rig, account) == before


async def test_a_repeated_delete_spares_what_came_in_between(rig: Rig) -> None:
    account, other = next(accounts), next(accounts)
    await rig.insert(message(account), message(other))
    deadline = time.monotonic() + TIMEOUT
    first = Terms(deadline, "conversations.delete", "key", b"hash")
    closing, others = Closing(account, json.dumps([FRIEND])), Closing(other, json.dumps([FRIEND]))
    assert taken(await rig.mailbox.delete_conversations([closing], [first])) == [0]
    await rig.insert(message(account, body="in between"))
    assert taken(await rig.mailbox.delete_conversations([closing], [first])) == [0]
    assert taken(await rig.mailbox.delete_conversations([closing], [first._replace(request_hash=b"another")])) == [
        Fault.KEY_REUSED
    ]
    assert [entry["message"] for entry in await rig.page(account, FRIEND)] == ["in between"]
    assert taken(await rig.mailbox.delete_conversations([others], [first])) == [0]
    assert await addresses_of(rig, other) == set()


async def test_the_purge_is_told_when_a_delete_has_committed(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(message(account), message(account, SHOP))
    told: list[str] = []
    handlers = Conversations(rig.mailbox, lambda: told.append("deleted"))
    context = Context(Identity(account, 1, None), "test", time.monotonic() + TIMEOUT, "trace")

    request = UserMessageDeleteConversationRequest(FRIEND)
    assert await handlers.delete([(request, context)]) == [UserMessageDeleteConversationResponse()]
    assert told == ["deleted"]
    async with rig.locked(account):
        requests = [(UserMessageDeleteConversationListRequest(("", SHOP, SHOP)), context)]
        (outcome,) = await handlers.delete_list(requests)
        assert isawaitable(outcome)
        assert told == ["deleted"]
    assert await outcome == UserMessageDeleteConversationListResponse()
    assert told == ["deleted"] * 2
    assert await addresses_of(rig, account) == set()
