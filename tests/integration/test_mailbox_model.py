"""Random operations on the mailbox against a model in Python: same answers, counters that are counts."""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.local.servers import Servers
from shared.mailbox.expiry import Expiry, Left, Retained
from shared.mailbox.lists import LockList, RemovalList, id_list
from shared.mailbox.writes import Closing, Flags, NewMessage, Reading, Removal
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import TIMEOUT, Rig, accounts, mailbox_rig, taken, within

STORED, CHANGED, DELETED, SEND_REQUESTED = 1, 2, 3, 4
ADDRESSES = ("+436990000001", "+436990000002", "Fake Shop", "fake shop", "82111")


@dataclass(slots=True)
class Stored:
    """A message of the model."""

    address: str
    body: str
    date_sent: int
    read: bool
    locked: bool
    status: int
    date_status: int | None
    incoming: bool
    change: int = 0


@dataclass(slots=True)
class Model:
    """One account as the contract describes it."""

    messages: dict[int, Stored] = field(default_factory=dict)
    tombstones: dict[int, int] = field(default_factory=dict)
    closed: dict[int, Stored] = field(default_factory=dict)
    events: list[tuple[int, int, int]] = field(default_factory=list)
    last_id: int = 0
    last_change: int = 0

    def insert(self, new: NewMessage) -> int:
        self.last_id += 1
        self.messages[self.last_id] = Stored(
            new.address,
            new.body,
            new.date_sent,
            new.read,
            new.locked,
            new.status,
            new.date_status,
            new.incoming,
        )
        self.messages[self.last_id].change = self.changed(self.last_id, STORED)
        if new.send:
            self.events.append((self.last_change, SEND_REQUESTED, self.last_id))
        return self.last_id

    def update(self, flags: Flags) -> None:
        kept = self.messages.get(flags.message_id)
        if kept is None:
            return
        before = (kept.read, kept.locked)
        kept.read = kept.read if flags.read is None else flags.read
        kept.locked = kept.locked if flags.locked is None else flags.locked
        if (kept.read, kept.locked) != before:
            kept.change = self.changed(flags.message_id, CHANGED)

    def delete(self, removal: Removal) -> None:
        if self.messages.pop(removal.message_id, None) is not None:
            self.tombstones[removal.message_id] = self.changed(removal.message_id, DELETED)

    def read(self, reading: Reading) -> None:
        for id_, kept in sorted(self.messages.items()):
            if kept.address == reading.address and kept.incoming and not kept.read:
                kept.read = True
                kept.change = self.changed(id_, CHANGED)

    def close(self, addresses: Sequence[str]) -> None:
        gone = {id_: kept for id_, kept in self.messages.items() if kept.address in addresses}
        self.closed |= gone
        self.messages = {id_: kept for id_, kept in self.messages.items() if id_ not in gone}

    def purge(self, message_id: int) -> None:
        del self.closed[message_id]
        self.tombstones[message_id] = self.changed(message_id, DELETED)

    def expired(self, before: int) -> set[int]:
        return {
            id_
            for id_, kept in self.messages.items()
            if kept.date_sent < before and not kept.locked and (kept.incoming or kept.status not in (1, 4))
        }

    def changed(self, message_id: int, kind: int) -> int:
        self.last_change += 1
        self.events.append((self.last_change, kind, message_id))
        return self.last_change

    def page(self, address: str) -> list[tuple[object, ...]]:
        found = [(kept.date_sent, id_, kept) for id_, kept in self.messages.items() if kept.address == address]
        found.sort(key=lambda entry: entry[:2], reverse=True)
        return [
            (id_, kept.body, kept.read, kept.locked, date, kept.status, kept.date_status) for date, id_, kept in found
        ]

    def conversations(self) -> list[dict[str, Any]]:
        by_address: dict[str, list[tuple[int, int, Stored]]] = defaultdict(list)
        for id_, kept in self.messages.items():
            by_address[kept.address].append((kept.date_sent, id_, kept))
        newest = {address: max(found, key=lambda entry: entry[:2]) for address, found in by_address.items()}
        order = sorted(by_address, key=lambda address: newest[address][:2], reverse=True)
        return [_conversation(address, by_address[address], newest[address][2]) for address in order]


def _conversation(address: str, found: Sequence[tuple[int, int, Stored]], newest: Stored) -> dict[str, Any]:
    kept = [entry for _, _, entry in found]
    return {
        "address": address,
        "snippet": newest.body[:100],
        "messagesUnread": sum(entry.incoming and not entry.read for entry in kept),
        "messagesUnsent": sum(not entry.incoming and entry.status == 5 for entry in kept),
        "messages": len(kept),
        "maxMessageId": max(id_ for _, id_, _ in found),
        "dateLastMessage": newest.date_sent,
    }


_PURGE = "select conversation_purge($1, $2, 0) as purged"
_ORDER = """
select message_id from message
where account_id = $1 and message_id = any ($2) order by conversation_id, date_sent, message_id
"""
_CLOSED_MESSAGES = """
select message_id from message join conversation using (account_id, conversation_id)
where account_id = $1 and closed and not deleted order by conversation_id, message_id desc
"""
# What is kept of closed conversations beside what there is: how many messages each still has, up to which id.
_CLOSED = """
select messages as kept, max_message_id as bound, count(*)::int as counted, max(message_id) as greatest
from conversation join message using (account_id, conversation_id)
where account_id = $1 and closed and not deleted group by account_id, conversation_id
"""
_OUTBOX = "select change_seq, kind, message_id from outbox where account_id = $1 order by id, kind"


class Player:
    """Plays one group of random commands on the store and on the models."""

    def __init__(self, rig: Rig, chance: random.Random, account_ids: Sequence[int]) -> None:
        self.rig = rig
        self.chance = chance
        self.models = {account_id: Model() for account_id in account_ids}

    async def step(self) -> None:
        single = (self.insert, self.insert, self.send, self.update, self.delete, self.read)
        several = (self.delete_list, self.lock_list, self.delete_conversations, self.purge, self.retain)
        play = self.chance.choice((*single, *several))
        await play(self.chance.randint(1, 12))

    async def insert(self, size: int) -> None:
        messages = [self._new_message() for _ in range(size)]
        expected = [self.models[new.account_id].insert(new) for new in messages]
        assert await self.rig.insert(*messages) == expected

    async def send(self, size: int) -> None:
        messages = [self._sent_message() for _ in range(size)]
        expected = [self.models[new.account_id].insert(new) for new in messages]
        assert await self.rig.insert(*messages) == expected

    async def update(self, size: int) -> None:
        flags = [Flags(*self._one(), self._maybe(), self._maybe()) for _ in range(size)]
        for each in flags:
            self.models[each.account_id].update(each)
        assert taken(await self.rig.mailbox.update(flags, within(flags))) == [0] * size

    async def delete(self, size: int) -> None:
        removals = [Removal(*self._one()) for _ in range(size)]
        for each in removals:
            self.models[each.account_id].delete(each)
        assert taken(await self.rig.mailbox.delete(removals, within(removals))) == [0] * size

    async def read(self, size: int) -> None:
        readings = [Reading(self._account(), self.chance.choice(ADDRESSES)) for _ in range(size)]
        for each in readings:
            self.models[each.account_id].read(each)
        assert taken(await self.rig.mailbox.read(readings, within(readings))) == [0] * size

    async def delete_conversations(self, size: int) -> None:
        named = [(self._account(), self._addresses()) for _ in range((size + 5) // 6)]
        for account_id, addresses in named:
            self.models[account_id].close(addresses)
        closings = [Closing(account_id, json.dumps(addresses)) for account_id, addresses in named]
        assert taken(await self.rig.mailbox.delete_conversations(closings, within(closings))) == [0] * len(named)

    async def purge(self, size: int) -> None:
        account_id = self._account()
        doomed = (await self.rig.rows(_CLOSED_MESSAGES, account_id))[:size]
        for row in doomed:
            self.models[account_id].purge(row["message_id"])
        assert await self.rig.rows(_PURGE, account_id, size) == [{"purged": len(doomed)}]

    async def retain(self, _size: int) -> None:
        account_id, before = self._account(), self.chance.randint(-5, 15)
        expired = self.models[account_id].expired(before)
        for row in await self.rig.rows(_ORDER, account_id, expired):
            self.models[account_id].delete(Removal(account_id, row["message_id"]))
        cleared = await Expiry(self.rig.database, 1).clear(Retained(account_id, 1, before, due=True))
        assert cleared == (len(expired), Left.DONE)

    async def delete_list(self, size: int) -> None:
        named = [self._several() for _ in range(size)]
        for account_id, ids in named:
            for id_ in ids:
                self.models[account_id].delete(Removal(account_id, id_))
        lists = [RemovalList(account_id, id_list(ids)) for account_id, ids in named]
        assert taken(await self.rig.mailbox.delete_list(lists, within(lists))) == [0] * size

    async def lock_list(self, size: int) -> None:
        named = [(*self._several(), self._flag()) for _ in range(size)]
        for account_id, ids, locked in named:
            for id_ in ids:
                self.models[account_id].update(Flags(account_id, id_, None, locked))
        lists = [LockList(account_id, id_list(ids), locked) for account_id, ids, locked in named]
        assert taken(await self.rig.mailbox.lock_list(lists, within(lists))) == [0] * size

    async def check(self) -> None:
        await self.rig.assert_counted(*self.models)
        for account_id, model in self.models.items():
            conversations = await self.rig.mailbox.conversations(account_id, timeout=TIMEOUT)
            assert conversations == model.conversations()
            for address in ADDRESSES:
                page = await self.rig.page(account_id, address)
                keys = ("messageId", "message", "read", "locked", "dateSent", "status", "dateStatus")
                assert [tuple(entry[key] for key in keys) for entry in page] == model.page(address)
            await self._check_changes(account_id, model)

    async def _check_changes(self, account_id: int, model: Model) -> None:
        there = model.messages | model.closed
        changes = {id_: kept.change for id_, kept in there.items()} | model.tombstones
        rows = await self.rig.rows("select message_id, change_seq from message where account_id = $1", account_id)
        assert {row["message_id"]: row["change_seq"] for row in rows} == changes
        outbox = await self.rig.rows(_OUTBOX, account_id)
        assert [(row["change_seq"], row["kind"], row["message_id"]) for row in outbox] == model.events
        bodies = await self.rig.rows("select body from message where account_id = $1 and deleted", account_id)
        assert [row["body"] for row in bodies] == [""] * len(model.tombstones)
        closed = await self.rig.rows(_CLOSED, account_id)
        assert sum(row["counted"] for row in closed) == len(model.closed)
        assert all(row["kept"] == row["counted"] and row["bound"] >= row["greatest"] for row in closed)
        rows = await self.rig.rows("select from conversation where account_id = $1 and closed", account_id)
        assert len(rows) == len(closed)

    def _new_message(self) -> NewMessage:
        chance = self.chance
        body = chance.choice(("hi", "two\r\nlines", "\u00fc\U0001f600" * 70, "x" * 5000))
        return NewMessage(
            self._account(), chance.choice(ADDRESSES), body, chance.randint(-5, 20),
            self._flag(), self._flag(), chance.choice((0, 1, 2)), chance.choice((0, 5)), self._flag(),
        )  # fmt: skip

    def _sent_message(self) -> NewMessage:
        due = self.chance.choice((None, self.chance.randint(20, 40)))
        return self._new_message()._replace(
            read=True, origin=1, status=1 if due is None else 4, incoming=False, date_status=due, send=True
        )

    def _several(self) -> tuple[int, list[int]]:
        account_id = self._account()
        last = self.models[account_id].last_id
        return account_id, [self.chance.randint(-1, last + 1) for _ in range(self.chance.randint(0, 8))]

    def _account(self) -> int:
        return self.chance.choice(list(self.models))

    def _addresses(self) -> list[str]:
        return self.chance.choices((*ADDRESSES, "", "nobody", '"}'), k=self.chance.randint(1, 3))

    def _one(self) -> tuple[int, int]:
        account_id = self._account()
        return account_id, self.chance.randint(-1, self.models[account_id].last_id + 1)

    def _flag(self) -> bool:
        return self.chance.random() < 0.5

    def _maybe(self) -> bool | None:
        return self.chance.choice((None, True, False))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_groups_agree_with_the_model(servers: Servers, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr("shared.mailbox.step_size._MOST_MESSAGES", 3)
    # A database of its own: elsewhere a purge may be at work that the model does not know of.
    async with fresh_database(servers) as url, mailbox_rig(url) as rig:
        player = Player(rig, random.Random(seed), [next(accounts) for _ in range(3)])
        for _ in range(60):
            await player.step()
            await player.check()
