"""Sync: what a device changes, what it is told, and what it must never be told. The contract's cases say the rest."""

import asyncio
import json
import random
from contextlib import suppress
from typing import Any

import orjson
import pytest

from deploy.local.servers import Servers
from services.gateway.formats.xml_writing import write
from shared.contract.faults import Fault
from shared.contract.messages import UserMessageGetMessagesResponse
from shared.contract.sync import UserMessageSync, UserMessageSyncRequest
from shared.mailbox.sync import Sync, Synced
from shared.mailbox.writes import Closing, Flags, Removal
from shared.postgres.errors import DatabaseTimeout
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import (
    FRIEND,
    SHOP,
    TIMEOUT,
    Rig,
    accounts,
    mailbox_rig,
    message,
    settled,
    shared_rig,
    within,
)
from tests.integration.sync_rig import DELETE, INSERT, UPDATE, Phone, deletion, insertion, update

_OUTBOX = "select kind, message_id, change_seq from outbox where account_id = $1 order by id"
_PURGE = "select conversation_purge($1, 1000, 0) as purged"


async def _flag(rig: Rig, account_id: int, message_id: int, **flags: Any) -> None:
    changes = [Flags(account_id, message_id, flags.get("read"), flags.get("locked"))]
    assert await rig.mailbox.update(changes, within(changes)) == [0]


async def _delete(rig: Rig, account_id: int, *message_ids: int) -> None:
    removals = [Removal(account_id, message_id) for message_id in message_ids]
    assert await rig.mailbox.delete(removals, within(removals)) == [0] * len(removals)


def _sync(phone: Phone, **fields: Any) -> Sync:
    empty = {"acked": "{}", "told": "{}", "entries": "[]", "initial": False, "wanted": 1000, "now": 0}
    return Sync(**{"account_id": phone.account_id, "device_id": phone.device_id, **empty, **fields})


async def _page(phone: Phone, **fields: Any) -> list[dict[str, Any]]:
    """Return the page of one sync of the store."""
    (outcome,) = await phone.rig.mailbox.sync([_sync(phone, **fields)], within([0]))
    found = outcome if isinstance(outcome, Synced) else await settled(outcome)
    entries: list[dict[str, Any]] = orjson.loads(found.page)
    return entries


async def test_what_a_device_makes_is_stored_and_told_to_others_alone(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone, other = await Phone.registered(rig, account), await Phone.registered(rig, account)
        assert await phone.sync(insertion(7, message="mine"), insertion(8)) == [(1, 7), (2, 8)]
        assert phone.got == []
        assert await other.catch_up() == [(INSERT, 1, 0), (INSERT, 2, 0)]
        assert await phone.catch_up() == []
        assert await phone.sync(update(1, read=True), update(1, locked=True), deletion(0, 8)) == [
            (1, 0),
            (1, 0),
            (0, 8),
        ]
        assert await other.catch_up() == [(UPDATE, 1, 1001), (DELETE, 2, 1002)]
        assert await phone.catch_up() == []
        await rig.assert_counted(account)


async def test_a_device_s_changes_are_events_and_repeats_are_none(servers: Servers) -> None:
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        for _ in range(2):
            await phone.sync(insertion(7), update(0, 7, read=True), update(0, 7, read=True), deletion(0, 7))
        events = [tuple(row.values()) for row in await rig.rows(_OUTBOX, account)]
        assert events == [(1, 1, 1), (2, 1, 2), (3, 1, 3)]


async def test_a_change_left_out_is_told_in_its_place_later(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(*[message(account)] * 3)
        await phone.sync()
        acks = phone.acks
        await _flag(rig, account, 2, read=True)
        await rig.insert(message(account))
        for _ in range(2):  # the answer is lost, and the call repeated
            await phone.sync(acks=acks)
            assert phone.changes == [(INSERT, 4, 0)]
        await phone.sync()
        assert phone.changes == [(UPDATE, 2, 1002), (INSERT, 4, 0)]
        await _flag(rig, account, 2, locked=True)
        await phone.sync()
        assert phone.changes == [(INSERT, 4, 0), (UPDATE, 2, 1002)]
        assert phone.got[1]["locked"]
        assert await phone.catch_up() == [(INSERT, 4, 0), (UPDATE, 2, 1002)]
        assert await phone.catch_up() == []


async def test_an_own_write_is_known_only_on_top_of_what_was_known(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(message(account))
        await phone.sync()
        await phone.sync(update(1, message="mine"))  # without an ack: it need not have seen the insert
        assert phone.changes == [(INSERT, 1, 0)]
        assert phone.got[0]["message"] == "mine"
        await phone.sync(update(1, message="again"), acks=phone.acks)
        assert phone.got == []
        await _flag(rig, account, 1, read=True)
        await phone.sync(update(1, message="third"), update(1, message="fourth"))
        assert [(entry["message"], entry["read"]) for entry in phone.got] == [("fourth", True)]
        await _flag(rig, account, 1, locked=True)
        await phone.sync(deletion(1))
        assert phone.got == []
        assert await phone.catch_up() == []


async def test_acks_of_what_was_never_told_confirm_nothing(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(message(account))
        await phone.sync(acks=[(1, 7), (1, 8), (0, 0), (-1, 3), (99, 4)], limit=1)
        assert phone.changes == [(INSERT, 1, 0)]
        await phone.sync(acks=[(1, 0)])
        assert phone.got == []
        await _flag(rig, account, 1, read=True)
        await phone.sync()
        assert phone.changes == [(UPDATE, 1, 0)]
        await phone.sync(acks=[(1, 7)])
        await phone.sync(update(0, 7, locked=True))
        (entry,) = await rig.page(account, FRIEND)
        assert entry["locked"]
        assert phone.got == []


async def test_a_device_that_gives_back_what_it_was_told_changes_nothing(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        later = message(account)._replace(incoming=False, read=True, status=4, date_status=9_000)
        unsent = message(account)._replace(incoming=False, read=True, status=5)
        await rig.insert(later, unsent)
        await phone.sync()
        assert [entry["status"] for entry in phone.got] == [1, 3]
        names = ("message", "read", "locked", "status")
        same = [
            update(entry["messageId"], date_sent=entry["dateSent"], **{name: entry[name] for name in names})
            for entry in phone.got
        ]
        await phone.sync(*same, acks=phone.acks)
        assert [entry["status"] for entry in await rig.page(account, FRIEND)] == [5, 4]
        await phone.sync(update(2, status=2, date_status=5))
        assert [entry["status"] for entry in await rig.page(account, FRIEND)] == [2, 4]
        await rig.assert_counted(account)


async def test_counters_are_counts_whatever_devices_write(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account, chance = next(accounts), random.Random(7)
        phone = await Phone.registered(rig, account)
        unsent = message(account, SHOP)._replace(incoming=False, status=5)
        await rig.insert(*[message(account)] * 3, *[unsent] * 3)
        for turn in range(60):
            await phone.sync(*(_any_entry(chance, 10 * turn + nth) for nth in range(10)), limit=1)
            await rig.assert_counted(account)


def _any_entry(chance: random.Random, fresh: int) -> UserMessageSync:
    read, locked, incoming = chance.choices((None, True, False), k=3)
    fields = {
        "message": chance.choice((None, "", "hello", "x" * 200)), "read": read, "locked": locked,
        "status": chance.choice((None, 0, 1, 2, 3)), "date_sent": chance.choice((None, *range(5))),
        "date_status": chance.choice((None, 7)),
    }  # fmt: skip
    kind = chance.choice((INSERT, UPDATE, UPDATE, UPDATE, DELETE))
    if kind == INSERT:
        return insertion(chance.choice((1, fresh + 1)), chance.choice((FRIEND, SHOP)), incoming=incoming, **fields)
    return UserMessageSync(kind, chance.randint(0, fresh // 4 + 6), 1, **fields)


async def test_a_deleted_conversation_reaches_devices_when_the_purge_comes(servers: Servers) -> None:
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(*[message(account)] * 3)
        await phone.sync(limit=2)
        closings = [Closing(account, json.dumps([FRIEND]))]
        assert await rig.mailbox.delete_conversations(closings, within(closings)) == [0]
        await phone.sync(insertion(7))
        assert phone.got == []  # no insert of what is gone
        assert await rig.rows(_PURGE, account) == [{"purged": 3}]
        assert sorted(await phone.catch_up()) == [(DELETE, 1, 0), (DELETE, 2, 0)]
        assert [entry["messageId"] for entry in await rig.page(account, FRIEND)] == [4]


@pytest.mark.parametrize("looks", [1, 3, 10, 11, 1000])
async def test_an_empty_page_means_that_there_is_nothing_more(servers: Servers, looks: int) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(*[message(account)] * 10)
        await _page(phone)
        await _delete(rig, account, *range(2, 11))
        await rig.insert(*[message(account)] * 10)
        await _delete(rig, account, *range(11, 20))
        found: list[tuple[int, int]] = []
        acked = "{}"
        while page := await _page(phone, looks=looks, acked=acked, told=acked, wanted=4):
            found += [(entry["operation"], entry["messageId"]) for entry in page]
            acked = f"{{{','.join(str(entry['messageId']) for entry in page)}}}"
        assert found == [(INSERT, 1), *((DELETE, number) for number in range(2, 11)), (INSERT, 20)]


async def test_a_page_ends_before_its_octets_and_holds_one_change_at_least(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await rig.insert(*(message(account, body="x" * 5000) for _ in range(5)), message(account, body="<" * 9000))
        # Twice from what changed, then from what waits: not a change differs.
        for octets, counted in ((1, 1), (5600, 1), (11_500, 2), (30_000, 5), (90_000, 6), (11_500, 2)):
            assert len(await _page(phone, octets=octets)) == counted


async def test_a_text_is_never_longer_on_the_wire_than_it_is_taken_for(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        pieces = ("a", "&", "<>", '"\\', "'", "\r\n\t", "\x01\x1f", "\ufffe", "\u00fc", "\U0001f600")
        for text in (piece * times for piece in (*pieces, "".join(pieces)) for times in (0, 1, 500, 3000)):
            (row,) = await rig.rows("select wire_octets($1) as octets", text)
            entry = {"messageId": 1, "message": text}
            around = len(write("m", UserMessageGetMessagesResponse, {"errorCode": 0, "messages": [{"message": ""}]}))
            xml = write("m", UserMessageGetMessagesResponse, {"errorCode": 0, "messages": [entry]})
            assert max(len(orjson.dumps(text)), len(xml) - around - 40) <= row["octets"] + 40, text[:4]


async def test_a_sync_waits_for_a_locked_mailbox_and_no_longer_than_its_budget(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        entries = '[{"operation":1,"message_id":0,"device_message_id":7,"address":"a"}]'
        async with rig.locked(account):
            waiting = asyncio.ensure_future(phone.sync(insertion(7)))
            (late,) = await rig.mailbox.sync([_sync(phone, entries=entries.replace("7", "8"))], within([0], 2.0))
            with suppress(DatabaseTimeout):  # code 99 too, when this machine is slow
                assert await settled(late) is Fault.UNAVAILABLE
            assert not waiting.done()
        assert await waiting == [(1, 7)]
        assert await rig.mailbox.sync([_sync(phone, entries=entries)], within([0], 0.4)) == [Fault.UNAVAILABLE]
        assert len(await rig.page(account, FRIEND)) == 1


async def test_only_a_sync_that_tells_nothing_does_not_wait_for_the_disk(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        assert await _commits(rig, phone) == "off"
        await rig.insert(message(account))
        assert await _commits(rig, phone) == "on"
        assert await _commits(rig, phone, acked="{1}", told="{1}") == "on"
        assert await _commits(rig, phone, entries='[{"operation":2,"message_id":9,"device_message_id":9}]') == "on"
        assert await _commits(rig, phone, initial=True) == "on"
        assert await _commits(rig, phone) == "off"


async def _commits(rig: Rig, phone: Phone, **fields: Any) -> str:
    columns = [[value] for value in _sync(phone, **fields)]
    query = "select * from device_sync($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '{}', '{}', false)"
    async with rig.database.transaction(timeout=TIMEOUT) as connection:
        await connection.fetch(query, *columns)
        return str(await connection.fetchval("show synchronous_commit"))


async def test_a_device_s_last_sync_is_kept(servers: Servers) -> None:
    async with shared_rig(servers) as rig:
        account = next(accounts)
        phone = await Phone.registered(rig, account)
        await _page(phone, now=1234)
        assert [row["synced_at"] for row in await rig.mailbox.devices(account, timeout=TIMEOUT)] == [1234]
        request = UserMessageSyncRequest(phone.device_id + 1)
        assert await phone.outcome(request) is Fault.DEVICE_INVALID
