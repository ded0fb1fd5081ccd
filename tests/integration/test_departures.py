"""What devices leave behind: silent ones are dropped, and nothing is kept that no device waits for."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from shared.contract import dates
from shared.contract.faults import Fault
from shared.contract.sync import UserMessageSyncRequest
from shared.mailbox import departures, silence, tombstones
from shared.mailbox.departures import Departures
from shared.mailbox.devices import DeviceRemoval
from shared.mailbox.silence import SILENT_MILLISECONDS, Silence
from shared.mailbox.tombstones import Tombstones
from shared.mailbox.writes import Removal
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import Rig, accounts, mailbox_rig, message, within
from tests.integration.sync_rig import DELETE, INSERT, Phone, insertion

_HOUR = 3_600_000
_DEVICES = "select array_agg(device_id order by device_id) as ids from device"
_KNOWN = "select count(*)::int as kept from device_message where device_id = $1"
_DEPARTED = "select count(*)::int as kept from device_departed"
_TOMBSTONES = "select coalesce(array_agg(message_id order by message_id), '{}') as ids from message where deleted"
_SYNCED = "update device set created_at = $2, synced_at = $3 where device_id = $1"


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """Yield a database of its own: elsewhere others keep it tidy too."""
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        yield rig


async def _column(rig: Rig, query: str, *arguments: object) -> object:
    ((value,),) = [tuple(row.values()) for row in await rig.rows(query, *arguments)]
    return value


async def _delete(rig: Rig, account_id: int, *message_ids: int) -> None:
    removals = [Removal(account_id, message_id) for message_id in message_ids]
    assert await rig.mailbox.delete(removals, within(removals)) == [0] * len(removals)


async def _unregister(phone: Phone) -> None:
    removals = [DeviceRemoval(phone.account_id, phone.device_id)]
    assert await phone.rig.mailbox.delete_device(removals, within(removals)) == [0]


async def _rounds(tidying: Silence | Departures | Tombstones) -> None:
    """Go on until there is nothing to do for a while."""
    while await tidying.round() < 10:
        pass


async def test_devices_that_were_silent_for_90_days_are_dropped(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_SLICE_DEVICES", 2)
    owners = [next(accounts) for _ in range(5)]
    phones = [await Phone.registered(rig, owner) for owner in owners]
    gone, now = dates.now() - SILENT_MILLISECONDS, dates.now()
    seen = [(0, gone - _HOUR), (0, gone + _HOUR), (gone - _HOUR, None), (gone + _HOUR, None), (0, now)]
    for phone, (created_at, synced_at) in zip(phones, seen, strict=True):
        await rig.rows(_SYNCED, phone.device_id, created_at, synced_at)
    async with rig.locked(owners[0]):
        await _rounds(Silence(rig.database))
        assert await _column(rig, _DEVICES) == [phones[nth].device_id for nth in (0, 1, 3, 4)]
    await _rounds(Silence(rig.database))
    assert await _column(rig, _DEVICES) == [phones[nth].device_id for nth in (1, 3, 4)]
    request = UserMessageSyncRequest(phones[0].device_id)
    assert await phones[0].outcome(request) is Fault.DEVICE_INVALID


async def test_what_was_kept_of_a_device_goes_in_steps(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "_STEP_MESSAGES", 3)
    account = next(accounts)
    phone, other, idle = [await Phone.registered(rig, account) for _ in range(3)]
    await rig.insert(*[message(account)] * 7)
    await phone.sync()
    await other.sync()
    await _unregister(phone)
    await _unregister(idle)
    assert await _column(rig, _DEPARTED) == 1
    async with rig.locked(account):
        await Departures(rig.database).round()
    kept = []
    while await Departures(rig.database).round() < 10:
        kept.append(await _column(rig, _KNOWN, phone.device_id))
    assert kept == [4, 1]
    assert (await _column(rig, _KNOWN, phone.device_id), await _column(rig, _DEPARTED)) == (0, 0)
    assert await _column(rig, _KNOWN, other.device_id) == 7


async def test_a_tombstone_stays_while_a_device_waits_for_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "_SLICE", 2)
    account = next(accounts)
    phone, other = await Phone.registered(rig, account), await Phone.registered(rig, account)
    await rig.insert(*[message(account)] * 4)
    await phone.sync(limit=3)
    await other.sync(limit=1)
    await other.sync(acks=other.acks, limit=1)
    await _delete(rig, account, 1, 2, 3, 4)
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == [1, 2, 3]
    await phone.sync()
    assert sorted(phone.changes) == [(DELETE, number, 0) for number in (1, 2, 3)]
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == [1, 2, 3]
    await phone.sync(acks=phone.acks)
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == [1, 2]
    async with rig.locked(account):
        await _rounds(Tombstones(rig.database))
    assert await other.catch_up() == [(DELETE, 1, 1001), (DELETE, 2, 0)]
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == []


async def test_without_devices_no_tombstone_stays(rig: Rig) -> None:
    account, other = next(accounts), next(accounts)
    phone = await Phone.registered(rig, account)
    await rig.insert(message(account), message(other))
    await phone.sync()
    await _delete(rig, account, 1)
    await _delete(rig, other, 1)
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == [1]
    await _unregister(phone)
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == []


async def test_an_id_pair_outlives_the_tombstone(rig: Rig) -> None:
    account = next(accounts)
    phone = await Phone.registered(rig, account, history=10)
    await phone.sync(insertion(7))
    await _delete(rig, account, 1)
    assert await phone.catch_up() == [(DELETE, 1, 7)]
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == []
    assert await phone.sync(insertion(7)) == [(1, 7)]
    assert phone.got == []
    assert await phone.sync(insertion(8)) == [(2, 8)]


async def test_a_queued_message_whose_tombstone_went_is_never_told(rig: Rig) -> None:
    account = next(accounts)
    await rig.insert(*(message(account, date_sent=number) for number in range(3)))
    phone = await Phone.registered(rig, account, history=3)
    await phone.sync(initial=True, limit=1)
    await _delete(rig, account, 2)
    await _rounds(Tombstones(rig.database))
    assert await _column(rig, _TOMBSTONES) == []
    await phone.sync()
    assert phone.changes == [(INSERT, 1, 0), (INSERT, 3, 0)]
