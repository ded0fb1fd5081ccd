"""The ledger: writes to the service, and keeps outside of it what was acknowledged; at the end the two must agree.

An acknowledged write has happened once. A write without an answer, or with code 99, has happened once or not at all.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.reliability.client import Client, Outcome
from tests.running import Account

_ADDRESSES = tuple(f"+43699000{number:04}" for number in range(4))
_PAGE = 1000
_INSERT = "/user/message/insert"
_UPDATE = "/user/message/update"
_DELETE = "/user/message/delete"
_READ = "/user/message/conversations/read"


@dataclass(slots=True)
class Entry:
    """One message of the ledger: what is known of it. `present` and `locked` are None where it is not known.

    `read` is true once an acknowledged call must have made it so.
    """

    address: str
    message_id: int | None
    present: bool | None
    locked: bool | None = False
    read: bool = False


@dataclass(slots=True)
class _Book:
    """One account's entries by their text, which no other message has."""

    account: Account
    entries: dict[str, Entry] = field(default_factory=dict)

    def acknowledged(self) -> list[Entry]:
        return [each for each in self.entries.values() if each.message_id is not None and each.present]


class Ledger:
    """Writes at `rate` a second in all, from many accounts at once, each with one call at a time."""

    def __init__(self, client: Client, accounts: Sequence[Account], *, rate: float, seed: int) -> None:
        self._client = client
        self._books = [_Book(account) for account in accounts]
        self._pause = len(accounts) / rate
        self._seed = seed
        self._stopping = False
        self.outcomes: Counter[Outcome] = Counter()
        self.done_at: dict[str, float] = {}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write until the block ends."""
        tasks = [asyncio.create_task(self._write(index, book)) for index, book in enumerate(self._books)]
        try:
            yield
        finally:
            self._stopping = True
            await asyncio.gather(*tasks)

    async def back(self, seconds: float) -> float:
        """Wait until every kind of write is acknowledged again; return the seconds it took, or raise `TimeoutError`."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while any(  # noqa: ASYNC110 - many writers, one look now and then
                self.done_at.get(path, 0.0) < began for path in (_INSERT, _UPDATE, _DELETE, _READ)
            ):
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def _write(self, index: int, book: _Book) -> None:
        dice = random.Random(f"{self._seed}-{index}")
        await asyncio.sleep(dice.random() * self._pause)
        number = 0
        while not self._stopping:
            due = time.monotonic() + self._pause
            number += 1
            await self._one(dice, book, f"{index}-{number}")
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _one(self, dice: random.Random, book: _Book, text: str) -> None:
        kind = dice.choices((_INSERT, _UPDATE, _DELETE, _READ), weights=(7, 1, 1, 1))[0]
        known = book.acknowledged()
        if kind == _READ:
            await self._read(book, dice.choice(_ADDRESSES))
        elif kind == _INSERT or not known:
            await self._insert(book, dice.choice(_ADDRESSES), text)
        elif kind == _UPDATE:
            await self._lock(book, dice.choice(known))
        else:
            await self._delete(book, dice.choice(known))

    async def _call(self, book: _Book, path: str, **fields: Any) -> tuple[Outcome, dict[str, Any]]:
        outcome, answer = await self._client.write(book.account, path, **fields)
        self.outcomes[outcome] += 1
        if outcome is Outcome.DONE:
            self.done_at[path] = time.monotonic()
        return outcome, answer

    async def _insert(self, book: _Book, address: str, text: str) -> None:
        outcome, answer = await self._call(book, _INSERT, address=address, message=text)
        if outcome is not Outcome.NOTHING:
            done = outcome is Outcome.DONE
            book.entries[text] = Entry(address, answer["messageId"] if done else None, True if done else None)

    async def _lock(self, book: _Book, entry: Entry) -> None:
        outcome, _ = await self._call(book, _UPDATE, messageId=entry.message_id, locked=True)
        if outcome is not Outcome.NOTHING and not entry.locked:
            entry.locked = True if outcome is Outcome.DONE else None

    async def _read(self, book: _Book, address: str) -> None:
        outcome, _ = await self._call(book, _READ, address=address)
        if outcome is Outcome.DONE:
            for entry in book.entries.values():
                entry.read = entry.read or entry.address == address

    async def _delete(self, book: _Book, entry: Entry) -> None:
        outcome, _ = await self._call(book, _DELETE, messageId=entry.message_id)
        if outcome is not Outcome.NOTHING:
            entry.present = False if outcome is Outcome.DONE else None

    async def disagreements(self) -> list[str]:
        """Read everything back and return each difference between the service and the ledger."""
        found: list[str] = []
        for book in self._books:
            found += await self._disagreements(book)
        return found

    async def _disagreements(self, book: _Book) -> list[str]:
        found: list[str] = []
        stored: list[dict[str, Any]] = []
        for address in _ADDRESSES:
            messages = await self._messages(book.account, address)
            stored += messages
        found += await self._wrong_counters(book.account, stored)
        times = Counter(message["message"] for message in stored)
        found += [f"{text} is stored {count} times" for text, count in times.items() if count > 1]
        by_text = {message["message"]: message for message in stored}
        found += [f"{text} was never sent" for text in by_text if text not in book.entries]
        for text, entry in book.entries.items():
            found += [f"{text} {problem}" for problem in _problems(entry, by_text.get(text))]
        return found

    async def _messages(self, account: Account, address: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while True:
            answer = await self._client.read(
                account, "/user/message/get/by/conversation", address=address, offset=len(messages), limit=_PAGE
            )
            messages += answer["messages"]
            if len(answer["messages"]) < _PAGE:
                return messages

    async def _wrong_counters(self, account: Account, stored: list[dict[str, Any]]) -> list[str]:
        answer = await self._client.read(account, "/user/message/conversations/get")
        counted = {each["address"]: (each["messages"], each["messagesUnread"]) for each in answer["conversations"]}
        messages = Counter(message["address"] for message in stored)
        unread = Counter(message["address"] for message in stored if not message["read"])
        expected = {address: (count, unread[address]) for address, count in messages.items()}
        return [] if counted == expected else [f"counters of an account are {counted}, not {expected}"]


def _problems(entry: Entry, message: dict[str, Any] | None) -> list[str]:
    if message is None:
        return ["is lost"] if entry.present else []
    found = []
    if entry.present is False:
        found.append("is there after its delete")
    if entry.message_id not in (None, message["messageId"]):
        found.append("has another id than its answer said")
    if entry.locked is True and not message["locked"]:
        found.append("has lost its lock")
    # What an unknown write left behind may have come after the read.
    if entry.read and entry.message_id is not None and not message["read"]:
        found.append("is unread again")
    return found
