"""Whoever relays events is told by each write of those that it may have left, and of no others."""

import json
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable

import pytest

from deploy.local.servers import Servers
from shared.contract.events import Fact
from shared.mailbox.devices import DeviceChange, DeviceRemoval, NewDevice
from shared.mailbox.lists import LockList, RemovalList, id_list
from shared.mailbox.sends import SmsSend
from shared.mailbox.store import FACTS, Mailbox
from shared.mailbox.writes import Closing, Flags, NewMessage, Reading, Removal, Settlement, Written
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import FRIEND, TIMEOUT, Rig, mailbox_rig, message, within

_TAKEN = "delete from outbox returning kind"
# What the others begin with: messages 1, which is unread, and 2, which is a send.
_SEND = NewMessage(1, FRIEND, "hi", 1_000, read=True, locked=False, origin=0, status=1, incoming=False, send=True)

_Write = Callable[[Mailbox], Awaitable[list[Written[int]]]]


def _device() -> NewDevice:
    return NewDevice(1, 1, True, False, False, None, None, None, 0, 1_000, False, 20)


def _text() -> SmsSend:
    return SmsSend(1, '["436990000001"]', "text", 1_000, None, 0, 1, store=True, sender="436990000002")


_WRITES: Mapping[str, _Write] = {
    "insert": lambda mailbox: mailbox.insert([_SEND], within([_SEND])),
    "send_sms": lambda mailbox: mailbox.send_sms([_text()], within([_text()])),
    "update": lambda mailbox: mailbox.update([Flags(1, 1, None, True)], within([1])),
    "lock_list": lambda mailbox: mailbox.lock_list([LockList(1, id_list([1]), locked=True)], within([1])),
    "read": lambda mailbox: mailbox.read([Reading(1, FRIEND)], within([1])),
    "settle": lambda mailbox: mailbox.settle([Settlement(1, 2, 2, None, 2_000)], within([1])),
    "delete": lambda mailbox: mailbox.delete([Removal(1, 1)], within([1])),
    "delete_list": lambda mailbox: mailbox.delete_list([RemovalList(1, id_list([1, 2]))], within([1])),
    "delete_conversations": lambda mailbox: mailbox.delete_conversations(
        [Closing(1, json.dumps([FRIEND]))], within([1])
    ),
    "create_device": lambda mailbox: mailbox.create_device([_device()], within([1])),
    "update_device": lambda mailbox: mailbox.update_device(
        [DeviceChange(1, 1, True, False, None, None, None)],
        within([1]),
    ),
    "delete_device": lambda mailbox: mailbox.delete_device([DeviceRemoval(1, 1)], within([1])),
}


def test_each_write_is_tried() -> None:
    assert FACTS.keys() - {"sync"} == _WRITES.keys()
    assert FACTS["sync"] == frozenset(Fact)


@pytest.mark.parametrize("name", _WRITES)
async def test_it_is_told_of_just_what_is_there(servers: Servers, name: str) -> None:
    told: list[frozenset[Fact]] = []
    async with (
        fresh_database(servers) as url,
        mailbox_rig(url) as rig,
        Database(url, 1, name="mailbox-test-told") as database,
    ):
        await _begin(rig)
        (outcome,) = await _WRITES[name](Mailbox(database, database, told.append))
        assert not isawaitable(outcome)
        left = {row["kind"] for row in await database.fetch(_TAKEN, timeout=TIMEOUT)}
    assert told == [left]


async def _begin(rig: Rig) -> None:
    await rig.database.fetch("insert into account (msisdn) values (null)", timeout=TIMEOUT)
    await rig.insert(message(1), _SEND)
    await rig.mailbox.create_device([_device()], within([1]))
    await rig.database.fetch(_TAKEN, timeout=TIMEOUT)
