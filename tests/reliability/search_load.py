"""Clients that write, change, find and delete messages at random, and what they count."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.reliability.client import Client, Outcome
from tests.running import Account

_WORDS = ("red", "blue", "green", "grün", "Straße", "24.12.2025", "東京", "мёд", "👍", "wi-fi", "rot")
_CORRESPONDENTS = ("+436990000001", "+436990000002", "Fake Shop")
_MESSAGE = "/user/message"


class SearchLoad:
    """Each account writes one thing after the other, with a pause between them, until the load is told to stop."""

    def __init__(self, client: Client, accounts: Sequence[Account], *, seed: int, pause: float) -> None:
        self._client = client
        self._accounts = accounts
        self._dice = random.Random(seed)
        self._pause = pause
        self._stopping = asyncio.Event()
        self._most = 0
        self.outcomes: Counter[Outcome] = Counter()

    @property
    def operations(self) -> int:
        return self.outcomes.total()

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Go on until the block ends."""
        async with asyncio.TaskGroup() as tasks:
            for account in self._accounts:
                tasks.create_task(self._write(account))
            try:
                yield
            finally:
                self._stopping.set()

    async def until(self, operations: int) -> None:
        """Wait until there were so many."""
        while self.operations < operations:  # noqa: ASYNC110 - many tasks count
            await asyncio.sleep(0.05)

    async def _write(self, account: Account) -> None:
        ids: list[int] = []
        while not self._stopping.is_set():
            path, fields = self._drawn(ids)
            outcome, answer = await self._client.write(account, f"{_MESSAGE}/{path}", **fields)
            self.outcomes[outcome] += 1
            if "messageId" in answer:
                ids.append(answer["messageId"])
            await asyncio.sleep(self._pause)

    def _drawn(self, ids: Sequence[int]) -> tuple[str, dict[str, Any]]:
        draw = self._dice.random()
        correspondent = self._dice.choice(_CORRESPONDENTS)
        if draw < 0.5 or not ids:
            text = " ".join(self._dice.choices(_WORDS, k=self._dice.randint(1, 8)))
            return "insert", {"address": correspondent, "message": text, "locked": self._dice.random() < 0.2}
        some = self._dice.choices(ids[-30:], k=self._dice.randint(1, 3))
        if draw < 0.65:
            return "update", {"messageId": some[0], "locked": self._dice.random() < 0.5}
        if draw < 0.75:
            return f"{self._dice.choice(('lock', 'unlock'))}/list", {"messageIds": some}
        if draw < 0.995:
            return "delete/list", {"messageIds": some}
        return "conversations/delete", {"address": correspondent}
