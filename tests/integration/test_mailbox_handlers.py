"""The handlers of messages and conversations over a real mailbox."""

import time
from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

import asyncpg
import pytest

from deploy.local.servers import Servers
from services.conversations.handlers import Conversations
from services.messages.handlers import Messages
from shared.bus.routes import Context
from shared.contract import dates
from shared.contract.conversations import (
    UserMessageGetConversationsRequest,
    UserMessageReadConversationRequest,
    UserMessageReadConversationResponse,
)
from shared.contract.messages import (
    UserMessageDeleteRequest,
    UserMessageDeleteResponse,
    UserMessageGetMessagesRequest,
    UserMessageInsertRequest,
    UserMessageInsertResponse,
    UserMessageUpdateRequest,
    UserMessageUpdateResponse,
)
from shared.contract.operation import Identity
from tests.integration.mailbox_rig import FRIEND, SHOP, accounts, message, shared_rig


def _context(account_id: int, seconds: float = 10.0) -> Context:
    return Context(Identity(account_id, 1, None), "test", time.monotonic() + seconds, "trace")


async def _page(handlers: Messages, account_id: int, **fields: Any) -> list[Mapping[str, Any]]:
    request = UserMessageGetMessagesRequest(**fields)
    (tree,) = await handlers.get_by_conversation([(request, _context(account_id))])
    assert isinstance(tree, Mapping)
    assert list(tree) == ["messages"]
    return list(tree["messages"])


async def test_insert_stores_what_was_sent_and_dates_the_rest(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        handlers, account = Messages(rig.mailbox), next(accounts)
        before = dates.now()
        requests = [
            UserMessageInsertRequest(address=FRIEND, message="first"),
            UserMessageInsertRequest(
                address=FRIEND, message="old", date_sent=0, read=True, locked=True, origin=7, incoming=False
            ),
        ]
        replies = await handlers.insert([(request, _context(account)) for request in requests])
        assert replies == [UserMessageInsertResponse(1), UserMessageInsertResponse(2)]
        first, old = await _page(handlers, account, address=FRIEND)
        assert before <= first["dateSent"] <= dates.now()
        assert (first["read"], first["locked"], first["origin"], first["incoming"]) == (False, False, 0, True)
        assert (old["read"], old["locked"], old["origin"], old["incoming"]) == (True, True, 7, False)
        assert (old["dateSent"], old["status"], old["dateStatus"]) == (0, 0, None)


@pytest.mark.parametrize(("limit", "expected"), [(0, 100), (7, 7), (2_000_000_000, 1_000)])
async def test_a_page_has_its_limit(servers: Servers, limit: int, expected: int) -> None:
    async with shared_rig(servers) as rig:
        handlers, account = Messages(rig.mailbox), next(accounts)
        await rig.insert(*[message(account)] * 1_001)
        assert len(await _page(handlers, account, address=FRIEND, limit=limit)) == expected


async def test_a_group_may_name_one_message_many_times(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        handlers, account, foreign = Messages(rig.mailbox), next(accounts), next(accounts)
        await rig.insert(message(account), message(account))
        updates = [(1, True, None), (1, None, True), (1, False, None), (9, True, True), (-1, True, True)]
        contexts = [(UserMessageUpdateRequest(*update), _context(account)) for update in updates]
        contexts.append((UserMessageUpdateRequest(2, read=True), _context(foreign)))
        assert await handlers.update(contexts) == [UserMessageUpdateResponse()] * 6
        flags = [(entry["read"], entry["locked"]) for entry in await _page(handlers, account, address=FRIEND)]
        assert flags == [(False, False), (False, True)]

        removals = [(UserMessageDeleteRequest(number), _context(account)) for number in (2, 2, 9, -1)]
        assert await handlers.delete(removals) == [UserMessageDeleteResponse()] * 4
        assert [entry["messageId"] for entry in await _page(handlers, account, address=FRIEND)] == [1]
        await rig.assert_counted(account, foreign)


async def test_conversations_are_listed_and_read(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        handlers, account = Conversations(rig.mailbox, lambda: None), next(accounts)
        await rig.insert(message(account), message(account, SHOP, date_sent=2_000))
        readings = [(UserMessageReadConversationRequest(FRIEND), _context(account))] * 2
        assert await handlers.read(readings) == [UserMessageReadConversationResponse()] * 2
        tree = await handlers.get(UserMessageGetConversationsRequest(), _context(account))
        unread = [(entry["address"], entry["messagesUnread"]) for entry in tree["conversations"]]
        assert unread == [(SHOP, 1), (FRIEND, 0)]


async def test_a_reply_that_had_to_wait_is_a_reply(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        handlers, account = Messages(rig.mailbox), next(accounts)
        await rig.insert(message(account))
        async with rig.locked(account):
            request = UserMessageInsertRequest(address=FRIEND, message="late")
            (outcome,) = await handlers.insert([(request, _context(account))])
        assert isawaitable(outcome)
        assert await outcome == UserMessageInsertResponse(2)


async def test_a_bad_command_is_alone_with_its_failure_after_its_group_was_skipped(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        handlers, full, fine = Messages(rig.mailbox), next(accounts), next(accounts)
        await rig.insert(message(full), message(fine))
        await rig.rows("update mailbox set last_message_id = 2147483647 where account_id = $1", full)
        request = UserMessageInsertRequest(address=FRIEND, message="hello")
        async with rig.locked(full), rig.locked(fine):
            bad, good = await handlers.insert([(request, _context(full)), (request, _context(fine))])
        assert isawaitable(bad)
        assert isawaitable(good)
        assert await good == UserMessageInsertResponse(2)
        with pytest.raises(asyncpg.NumericValueOutOfRangeError):
            await bad
