"""The history that a device asks for: the newest messages there are, and what happens to them meanwhile."""

import json
import random
from typing import Any

from deploy.local.servers import Servers
from shared.mailbox.devices import DeviceRemoval
from shared.mailbox.writes import Closing, Flags, Removal
from tests.integration.mailbox_rig import FRIEND, SHOP, accounts, message, shared_rig, within
from tests.integration.sync_rig import DELETE, INSERT, UPDATE, Phone, insertion

_NEWEST = """
select array_agg(message_id order by date_sent, message_id) as ids from (
  select message_id, date_sent from message where account_id = $1 and not deleted
  order by date_sent desc, message_id desc limit $2
) as newest
"""


async def _queued(phone: Phone, limit: int = 0) -> list[tuple[int, int]]:
    """Ask for the history and fetch all of it; return operations and ids."""
    found: list[tuple[int, int]] = []
    await phone.sync(initial=True, limit=limit)
    while phone.got:
        found += [change[:2] for change in phone.changes]
        await phone.sync(acks=phone.acks, limit=limit)
    return found


async def test_the_newest_of_all_conversations_come_oldest_first(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        chance = random.Random(3)
        for spread in (1, 3, 40):
            account = next(accounts)
            await rig.insert(*_scattered(account, chance, spread))
            for limit in (1, 7, 50, 400):
                phone = await Phone.registered(rig, account, history=limit)
                (row,) = await rig.rows(_NEWEST, account, limit)
                assert await _queued(phone, 30) == [(INSERT, message_id) for message_id in row["ids"]]
                await rig.mailbox.delete_device([_removal(phone)], within([0]))


def _scattered(account_id: int, chance: random.Random, spread: int) -> list[Any]:
    """Return 300 messages in conversations of very different sizes and times, with many equal dates."""
    places = [int(spread * chance.random() ** 3) for _ in range(300)]
    return [message(account_id, f"a{place}", date_sent=place * 5 + chance.randint(0, 60)) for place in places]


def _removal(phone: Phone) -> DeviceRemoval:
    return DeviceRemoval(phone.account_id, phone.device_id)


async def test_what_changes_while_it_waits_takes_its_own_place(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        await rig.insert(*(message(account, date_sent=number) for number in range(6)), message(account, SHOP))
        phone = await Phone.registered(rig, account, history=10)
        await phone.sync(initial=True, limit=2)
        assert phone.changes == [(INSERT, 1, 0), (INSERT, 2, 0)]
        await rig.insert(message(account))
        changes = [Flags(account, number, read=True, locked=None) for number in (4, 1)]
        assert await rig.mailbox.update(changes, within(changes)) == [0, 0]
        removals = [Removal(account, number) for number in (3, 2)]
        assert await rig.mailbox.delete(removals, within(removals)) == [0, 0]
        closings = [Closing(account, json.dumps([SHOP]))]
        assert await rig.mailbox.delete_conversations(closings, within(closings)) == [0]
        await phone.sync()
        assert phone.changes == [
            (INSERT, 5, 0), (INSERT, 6, 0), (INSERT, 8, 0), (INSERT, 4, 0), (INSERT, 1, 0), (DELETE, 2, 0),
        ]  # fmt: skip
        await phone.sync(acks=phone.acks)
        assert phone.got == []


async def test_what_is_pending_is_dropped_but_may_be_there(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account, history=1)
        await rig.insert(*(message(account, date_sent=number) for number in range(3)))
        await phone.sync(limit=2)
        await phone.sync(initial=True)
        assert phone.changes == [(INSERT, 3, 0)]
        await phone.sync(acks=phone.acks)
        assert phone.got == []
        removals = [Removal(account, number) for number in (1, 2, 3)]
        assert await rig.mailbox.delete(removals, within(removals)) == [0, 0, 0]
        await phone.sync()
        assert phone.changes == [(DELETE, 1, 0), (DELETE, 2, 0), (DELETE, 3, 1003)]


async def test_a_history_again_gives_the_same_with_the_device_s_ids(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account, history=10)
        await rig.insert(message(account))
        await phone.sync(insertion(7, date_sent=2_000), initial=True)
        assert phone.changes == [(INSERT, 1, 0)]  # what it just told is no news
        acks = phone.acks
        await phone.sync(acks=acks, initial=True)
        assert phone.changes == [(INSERT, 2, 7)]  # what it just acked comes later
        await phone.sync()
        assert phone.changes == [(INSERT, 1, 1001), (INSERT, 2, 7)]
        await phone.sync(acks=phone.acks)
        changes = [Flags(account, 1, read=True, locked=None)]
        assert await rig.mailbox.update(changes, within(changes)) == [0]
        assert await phone.catch_up() == [(UPDATE, 1, 1001)]
        assert len(await rig.page(account, FRIEND)) == 2
