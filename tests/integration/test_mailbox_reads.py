"""What the mailbox's reads answer, and what they take for gone."""

import asyncio

from deploy.local.servers import Servers
from shared.contract.conversations import UserMessageConversation
from shared.contract.faults import Fault
from shared.contract.messages import UserMessageMessage
from shared.contract.shape import shape_of
from shared.mailbox.rules import PAGE_OCTETS
from shared.mailbox.writes import Flags, Reading, Removal
from tests.integration.mailbox_rig import FRIEND, SHOP, TIMEOUT, accounts, message, settled, shared_rig, taken, within


async def test_entries_are_those_of_the_contract(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(message(account, body="x" * 101))
        (entry,) = await rig.page(account, FRIEND)
        assert list(entry) == [field.wire for field in shape_of(UserMessageMessage).fields]
        assert entry == {
            "messageId": 1, "address": FRIEND, "message": "x" * 101, "incoming": True, "read": False,
            "locked": False, "origin": 0, "status": 0, "dateSent": 1_000, "dateStatus": None,
        }  # fmt: skip
        (conversation,) = await rig.mailbox.conversations(account, timeout=TIMEOUT)
        assert list(conversation) == [field.wire for field in shape_of(UserMessageConversation).fields]
        assert conversation["snippet"] == "x" * 100


async def test_pages_start_at_the_newest(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(*(message(account, date_sent=date) for date in (30, 10, 20, 20)))
        assert [entry["messageId"] for entry in await rig.page(account, FRIEND)] == [1, 4, 3, 2]
        assert [entry["messageId"] for entry in await rig.page(account, FRIEND, 1, 2)] == [4, 3]
        assert await rig.page(account, FRIEND, 4) == []
        assert await rig.page(account, SHOP) == []
        assert await rig.page(next(accounts), FRIEND) == []


async def test_a_page_ends_before_sixteen_mebibytes(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        for _ in range(20):
            await rig.insert(message(account, body="\u00fc" * 500_000))
        page = await rig.page(account, FRIEND)
        assert [entry["messageId"] for entry in page] == list(range(20, 4, -1))
        assert sum(len(entry["message"].encode()) for entry in page) < PAGE_OCTETS
        assert [entry["messageId"] for entry in await rig.page(account, FRIEND, 16)] == [4, 3, 2, 1]


async def test_a_write_that_changes_nothing_has_no_change_number(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(message(account))
        flags = [Flags(account, 1, read=False, locked=None), Flags(account, 2, read=True, locked=True)]
        assert taken(await rig.mailbox.update(flags, within(flags))) == [0, 0]
        removals = [Removal(account, -1), Removal(account, 9)]
        assert taken(await rig.mailbox.delete(removals, within(removals))) == [0, 0]
        readings = [Reading(account, SHOP), Reading(account, "x" * 10_000)]
        assert taken(await rig.mailbox.read(readings, within(readings))) == [0, 0]
        (counters,) = await rig.rows("select last_change_seq from mailbox where account_id = $1", account)
        assert counters == {"last_change_seq": 1}
        assert len(await rig.rows("select from outbox where account_id = $1", account)) == 1


async def test_many_messages_are_read_in_steps_that_hold_up_nobody_for_long(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, other = next(accounts), next(accounts)
        for _ in range(12):
            await rig.insert(*(message(account) for _ in range(100)))
        await rig.insert(message(other))
        readings = [Reading(account, FRIEND), Reading(other, FRIEND)]
        many, one = await rig.mailbox.read(readings, within(readings))
        # The other one need not wait for all of them.
        assert one == 0
        left = "select messages_unread as left from conversation where account_id = $1"
        assert await rig.rows(left, account) == [{"left": 700}]
        assert await settled(many) == 0
        await rig.assert_counted(account, other)
        assert await rig.rows(left, account) == [{"left": 0}]
        changes = (
            "select count(distinct change_seq) as changes, max(change_seq) as last from message where account_id = $1"
        )
        assert await rig.rows(changes, account) == [{"changes": 1200, "last": 2400}]


async def test_what_was_read_stays_so_when_the_time_is_over(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(*(message(account) for _ in range(600)))
        readings = [Reading(account, FRIEND)]
        (many,) = await rig.mailbox.read(readings, within(readings, 2.0))
        await asyncio.sleep(1.6)
        assert await settled(many) is Fault.UNAVAILABLE
        (again,) = await rig.mailbox.read(readings, within(readings))
        assert again == 0
        await rig.assert_counted(account)
