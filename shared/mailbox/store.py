"""The store: the mailbox's reads and writes, each one round trip to Postgres."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from pathlib import Path
from typing import Any

from shared.contract.events import Fact
from shared.contract.faults import Fault
from shared.mailbox.devices import DeviceChange, DeviceRemoval, NewDevice
from shared.mailbox.lists import LockList, RemovalList
from shared.mailbox.pages import Entries, Page, Pages
from shared.mailbox.patience import Patience
from shared.mailbox.sends import Send, Sized, SmsSend, parts
from shared.mailbox.sync import Sync, Synced, Syncs, synced
from shared.mailbox.terms import Terms
from shared.mailbox.writes import (
    Closing,
    Flags,
    NewMessage,
    Pools,
    Reading,
    Removal,
    Settlement,
    Write,
    Writer,
    Written,
    answered,
)
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# The answer to a read that is not done yet.
_MORE = 1
# What each write may leave in the outbox.
FACTS: Mapping[str, frozenset[Fact]] = {
    "insert": frozenset({Fact.MESSAGE_STORED, Fact.SEND_REQUESTED}),
    "send_sms": frozenset({Fact.MESSAGE_STORED}),
    "update": frozenset({Fact.MESSAGE_CHANGED}),
    "lock_list": frozenset({Fact.MESSAGE_CHANGED}),
    "read": frozenset({Fact.MESSAGE_CHANGED}),
    "settle": frozenset({Fact.MESSAGE_CHANGED}),
    "delete": frozenset({Fact.MESSAGE_DELETED}),
    "delete_list": frozenset({Fact.MESSAGE_DELETED}),
    # Those of its messages follow with the purge.
    "delete_conversations": frozenset(),
    "create_device": frozenset(),
    "update_device": frozenset(),
    "delete_device": frozenset(),
    "sync": frozenset(Fact),
}


class Mailbox:
    """Messages and conversations of every account.

    Writes take many commands with the terms of each, and return an outcome for each: an id, 0, or a fault.
    Those whose mailbox is locked by somebody else wait on `patient`, a pool of its own, when their outcome is
    awaited. Everything raises `DatabaseError` when Postgres is away or does not answer in time. `written` is told which
    facts there may be new events of.
    """

    def __init__(
        self, database: Database, patient: Database, written: Callable[[frozenset[Fact]], None] = lambda _: None
    ) -> None:
        self._database = database
        pools = Pools(database, patient, Patience())
        self._writer = Writer(pools, answered, written)
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._writes = {name: Write(self._queries[name], facts) for name, facts in FACTS.items()}
        self._syncs = Syncs(Writer(pools, synced, written), self._writes["sync"])
        self._pages = Pages(database, self._queries["messages_by_conversation"])

    async def conversations(self, account_id: int, *, timeout: float) -> Entries:  # noqa: ASYNC109 - given on
        """Return the account's conversations, newest first, as wire entries (`UserMessageConversation`)."""
        return await self._fetch("conversations", account_id, timeout=timeout)

    async def messages_by_conversation(
        self,
        pages: Sequence[Page],
        *,
        timeout: float,  # noqa: ASYNC109 - given on
    ) -> list[Entries | Awaitable[Entries]]:
        """Return the messages of each page, newest first, as wire entries (`UserMessageMessage`).

        A page ends before its answer exceeds 16 MiB; one that is large beside others is given as a promise.
        """
        return await self._pages.fetch(pages, timeout=timeout)

    async def insert(self, messages: Sequence[NewMessage], terms: Sequence[Terms]) -> list[Written[int]]:
        """Store messages and return their ids."""
        return await self._writer.write(self._writes["insert"], messages, terms)

    async def update(self, flags: Sequence[Flags], terms: Sequence[Terms]) -> list[Written[int]]:
        """Set flags of messages; one that is gone or unknown is left alone."""
        return await self._writer.write(self._writes["update"], flags, terms)

    async def delete(self, removals: Sequence[Removal], terms: Sequence[Terms]) -> list[Written[int]]:
        """Delete messages; one that is gone or unknown is left alone."""
        return await self._writer.write(self._writes["delete"], removals, terms)

    async def read(self, readings: Sequence[Reading], terms: Sequence[Terms]) -> list[Written[int]]:
        """Mark all incoming messages of conversations as read; an unknown one is left alone.

        One that has many is read in several steps, each of which stays if the time is over before the last.
        """
        outcomes = await self._writer.write(self._writes["read"], readings, terms)
        return [
            self._read_on(outcome, reading, its) if isawaitable(outcome) or outcome == _MORE else outcome
            for outcome, reading, its in zip(outcomes, readings, terms, strict=True)
        ]

    async def _read_on(self, outcome: Written[int], reading: Reading, terms: Terms) -> int | Fault:
        settled = await outcome if isawaitable(outcome) else outcome
        while settled == _MORE:
            (outcome,) = await self._writer.write(self._writes["read"], [reading], [terms])
            settled = await outcome if isawaitable(outcome) else outcome
        return settled

    async def delete_conversations(self, closings: Sequence[Closing], terms: Sequence[Terms]) -> list[Written[int]]:
        """Delete conversations: they are gone at once for reads and writes; the purge comes later."""
        return await self._writer.write(self._writes["delete_conversations"], closings, terms)

    async def delete_list(self, lists: Sequence[RemovalList], terms: Sequence[Terms]) -> list[Written[int]]:
        """Delete lists of messages, each at once; those that are gone or unknown are left alone."""
        return await self._writer.write(self._writes["delete_list"], lists, terms)

    async def lock_list(self, lists: Sequence[LockList], terms: Sequence[Terms]) -> list[Written[int]]:
        """Lock or unlock lists of messages, each at once; those that are gone or unknown are left alone."""
        return await self._writer.write(self._writes["lock_list"], lists, terms)

    async def sends(
        self,
        pointers: Iterable[tuple[int, int]],
        *,
        timeout: float,  # noqa: ASYNC109 - given on
    ) -> AsyncIterator[list[Send]]:
        """Give those of the messages, named by account and id, that are there to be sent, now or later, in parts.

        A part is read when it is asked for and is never longer than can be stored in one go.
        """
        account_ids, message_ids = zip(*pointers, strict=True)
        sizes = await self._fetch("send_sizes", account_ids, message_ids, timeout=timeout)
        for part in parts(Sized(**row) for row in sizes):
            account_ids, message_ids, _ = zip(*part, strict=True)
            yield [Send(**row) for row in await self._fetch("sends", account_ids, message_ids, timeout=timeout)]

    async def settle(self, settlements: Sequence[Settlement], terms: Sequence[Terms]) -> list[Written[int]]:
        """Say what became of sends; one that is gone or was settled before is left alone."""
        return await self._writer.write(self._writes["settle"], settlements, terms)

    async def send_sms(self, sends: Sequence[SmsSend], terms: Sequence[Terms]) -> list[Written[int]]:
        """Store texts with jobs for their delivery; return the first id of each, which those of its others follow."""
        return await self._writer.write(self._writes["send_sms"], sends, terms)

    async def devices(self, account_id: int, *, timeout: float) -> list[dict[str, Any]]:  # noqa: ASYNC109 - given on
        """Return the account's devices by id, without what they push with; dates in ms since 1970."""
        return await self._fetch("devices", account_id, timeout=timeout)

    async def create_device(self, devices: Sequence[NewDevice], terms: Sequence[Terms]) -> list[Written[int]]:
        """Register devices and return their ids, unique over the installation, or 106."""
        return await self._writer.write(self._writes["create_device"], devices, terms)

    async def update_device(self, changes: Sequence[DeviceChange], terms: Sequence[Terms]) -> list[Written[int]]:
        """Change devices; one that is not the account's is 105."""
        return await self._writer.write(self._writes["update_device"], changes, terms)

    async def delete_device(self, removals: Sequence[DeviceRemoval], terms: Sequence[Terms]) -> list[Written[int]]:
        """Delete devices; one that is not the account's is 105."""
        return await self._writer.write(self._writes["delete_device"], removals, terms)

    async def sync(self, syncs: Sequence[Sync], terms: Sequence[Terms]) -> list[Written[Synced]]:
        """Take what devices acked and changed, and give each its next page; 105 where it is not the account's."""
        return await self._syncs.run(syncs, terms)

    async def _fetch(self, query: str, *arguments: Any, timeout: float) -> list[dict[str, Any]]:  # noqa: ASYNC109 - given on
        rows = await self._database.fetch(self._queries[query], *arguments, timeout=timeout)
        return [dict(row) for row in rows]
