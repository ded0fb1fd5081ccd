"""Lists of messages: one transaction, in the order as sent, and nothing of what is not there."""

import time
from collections.abc import Sequence
from typing import Any

from deploy.local.servers import Servers
from services.messages.lists import Lists
from shared.bus.routes import Key
from shared.contract.faults import Fault
from shared.contract.messages import (
    UserMessageDeleteListRequest,
    UserMessageDeleteListResponse,
    UserMessageLockListRequest,
    UserMessageLockListResponse,
    UserMessageUnlockListRequest,
    UserMessageUnlockListResponse,
)
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import (
    FRIEND,
    SHOP,
    TIMEOUT,
    Rig,
    accounts,
    context,
    mailbox_rig,
    message,
    settled,
    shared_rig,
)

_CHANGES = "select message_id, change_seq, locked, deleted from message where account_id = $1 order by change_seq"
_EVENTS = "select message_id, change_seq, kind from outbox where account_id = $1 and change_seq > $2 order by id"
_CHANGED, _DELETED = 2, 3
_FILL = """
select count(*)::int from message_insert(
  array_fill($1::bigint, array[$2::int]), array_fill('+436990000001'::text, array[$2::int]),
  array_fill('hello'::text, array[$2::int]), array_fill(1::bigint, array[$2::int]),
  array_fill(false, array[$2::int]), array_fill(false, array[$2::int]), array_fill(0, array[$2::int]),
  array_fill(0::smallint, array[$2::int]), array_fill(true, array[$2::int]),
  '{}', '{}', '{}', 'message.insert', '{}', '{}', false
)
"""


async def _delete(rig: Rig, account_id: int, ids: Sequence[int], key: Key | None = None) -> Any:
    request = UserMessageDeleteListRequest(tuple(ids))
    (outcome,) = await Lists(rig.mailbox).delete([(request, context(account_id, "message.delete_list", key=key))])
    return outcome


async def _lock(rig: Rig, account_id: int, ids: Sequence[int], key: Key | None = None) -> Any:
    request = UserMessageLockListRequest(tuple(ids))
    (outcome,) = await Lists(rig.mailbox).lock([(request, context(account_id, "message.lock_list", key=key))])
    return outcome


async def _unlock(rig: Rig, account_id: int, ids: Sequence[int]) -> Any:
    request = UserMessageUnlockListRequest(tuple(ids))
    (outcome,) = await Lists(rig.mailbox).unlock([(request, context(account_id, "message.unlock_list"))])
    return outcome


async def _events(rig: Rig, account_id: int, after: int) -> list[tuple[int, int, int]]:
    return [(row["message_id"], row["change_seq"], row["kind"]) for row in await rig.rows(_EVENTS, account_id, after)]


async def test_changes_are_numbered_in_the_order_of_the_list(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, foreign = next(accounts), next(accounts)
        await rig.insert(*[message(account)] * 4, *[message(foreign)] * 9)
        assert await _lock(rig, account, [4, 2, 4, 0, -1, 9, 2]) == UserMessageLockListResponse()
        assert await _events(rig, account, 4) == [(4, 5, _CHANGED), (2, 6, _CHANGED)]
        assert await _delete(rig, account, [3, 9, 1, 3, -2147483648, 2147483647]) == UserMessageDeleteListResponse()
        assert await _events(rig, account, 6) == [(3, 7, _DELETED), (1, 8, _DELETED)]
        assert await _unlock(rig, account, [2, 3, 4]) == UserMessageUnlockListResponse()
        assert await _events(rig, account, 8) == [(2, 9, _CHANGED), (4, 10, _CHANGED)]
        rows = [tuple(row.values()) for row in await rig.rows(_CHANGES, account)]
        assert rows == [(3, 7, False, True), (1, 8, False, True), (2, 9, False, False), (4, 10, False, False)]
        assert len(await rig.page(foreign, FRIEND)) == 9
        await rig.assert_counted(account, foreign)


async def test_a_list_that_changes_nothing_has_no_change_number(servers: Servers) -> None:
    # On a database of its own: the purge of a running stack would turn the closed conversation into tombstones.
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        account = next(accounts)
        await rig.insert(message(account), message(account), message(account, SHOP))
        await _lock(rig, account, [1])
        await _delete(rig, account, [2])
        await rig.rows("update conversation set closed = true where account_id = $1 and address = $2", account, SHOP)
        before = await rig.rows("select * from message where account_id = $1 order by message_id", account)
        for run in (_lock, _delete, _unlock):
            ids = [2, 3, 9, 0, -1] if run is not _lock else [1, 2, 3, 9, 0, -1]
            await run(rig, account, ids)
        assert await rig.rows("select * from message where account_id = $1 order by message_id", account) == before
        assert await rig.rows("select last_change_seq from mailbox where account_id = $1", account) == [
            {"last_change_seq": 5}
        ]
        assert await _events(rig, account, 5) == []


async def test_conversations_are_exact_after_a_list_and_empty_ones_gone(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        dates = {FRIEND: (50, 10, 40, 40, 20), SHOP: (1, 2), "82111": (3,)}
        await rig.insert(*(message(account, address, str(date), date) for address in dates for date in dates[address]))
        await _lock(rig, account, range(1, 9))
        await _delete(rig, account, [1, 4, 5, 7, 8])
        found = await rig.mailbox.conversations(account, timeout=TIMEOUT)
        kept = [(entry["address"], entry["snippet"], entry["messages"], entry["maxMessageId"]) for entry in found]
        assert kept == [(FRIEND, "40", 2, 3), (SHOP, "1", 1, 6)]
        await rig.assert_counted(account)
        await _delete(rig, account, range(1, 9))
        assert await rig.mailbox.conversations(account, timeout=TIMEOUT) == []
        await rig.assert_counted(account)


async def test_a_list_under_a_key_takes_effect_once(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, key = next(accounts), Key("again", b"request")
        await rig.insert(message(account), message(account))
        for _ in range(2):
            assert await _lock(rig, account, [1, 2], key) == UserMessageLockListResponse()
            await _unlock(rig, account, [1, 2])
        assert await _lock(rig, account, [1], Key("again", b"other")) is Fault.KEY_REUSED
        assert [entry["locked"] for entry in await rig.page(account, FRIEND)] == [False, False]
        assert await _delete(rig, account, [1], key) == UserMessageDeleteListResponse()
        assert await _delete(rig, account, [2], Key("again", b"other")) is Fault.KEY_REUSED
        assert [entry["messageId"] for entry in await rig.page(account, FRIEND)] == [2]


async def test_a_list_waits_for_a_locked_mailbox(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(message(account), message(account))
        async with rig.locked(account):
            late = await _delete(rig, account, [1])
        assert await settled(late) == UserMessageDeleteListResponse()
        assert [entry["messageId"] for entry in await rig.page(account, FRIEND)] == [2]


async def test_a_list_in_a_large_conversation_costs_what_it_names(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        # The planner has to take every account for a small one.
        small = [next(accounts) for _ in range(500)]
        await rig.insert(*(message(account) for account in small for _ in range(4)))
        await rig.rows("analyze message, conversation")
        account, size = next(accounts), 20_000
        await rig.rows(_FILL, account, size)
        began = time.monotonic()
        await _lock(rig, account, range(1, size, 20))
        await _delete(rig, account, range(size, size - 1_000, -1))
        # 100 ms where nothing else runs; joined from the account's side it takes 7 s.
        assert time.monotonic() - began < 2
        await rig.assert_counted(account)
