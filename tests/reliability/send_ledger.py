"""A ledger of sends between accounts: what was acknowledged, and what every mailbox must hold in the end."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from tests.reliability.client import Client, Outcome
from tests.running import Account

_SEND = "/user/message/send"
_COMPLETED = 2
_AT_ONCE = 32

_STORED = """
select message.account_id, conversation.address, message.body, message.incoming, message.status, message.origin
from message join conversation using (account_id, conversation_id)
where message.account_id = any ($1::bigint[]) and not message.deleted
"""
_OPEN = "select count(*) from message where account_id = any ($1::bigint[]) and not incoming and status = 1"


class _Sent(NamedTuple):
    sender: Account
    recipient: Account
    text: str


class SendLedger:
    """Sends `rate` texts a second, each once, between accounts at random."""

    def __init__(self, client: Client, accounts: Sequence[Account], *, rate: float, seed: int) -> None:
        self._client = client
        self._accounts = accounts
        self._rate = rate
        self._dice = random.Random(seed)
        self._stopping = asyncio.Event()
        self._number = 0
        self.acknowledged: list[_Sent] = []
        self.outcomes: Counter[Outcome] = Counter()
        self.done_at = 0.0

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send until the block ends."""
        tasks = [asyncio.create_task(self._send()) for _ in range(_AT_ONCE)]
        try:
            yield
        finally:
            self._stopping.set()
            await asyncio.gather(*tasks)

    async def back(self, seconds: float) -> float:
        """Wait until a send is acknowledged again; return the seconds it took, or raise `TimeoutError`."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while self.done_at < began:  # noqa: ASYNC110 - many senders, one look now and then
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def _send(self) -> None:
        while not self._stopping.is_set():
            due = time.monotonic() + _AT_ONCE / self._rate
            self._number += 1
            sent = _Sent(self._dice.choice(self._accounts), self._dice.choice(self._accounts), f"text {self._number}")
            fields = {"recipient": int(sent.recipient.msisdn), "message": sent.text}
            outcome, _ = await self._client.write(sent.sender, _SEND, **fields)
            self.outcomes[outcome] += 1
            if outcome is Outcome.DONE:
                self.acknowledged.append(sent)
                self.done_at = time.monotonic()
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def settled(self, url: str, seconds: float) -> float:
        """Wait until every send that is stored is settled; return the seconds it took, or raise `TimeoutError`."""
        began = time.monotonic()
        ids = [account.account_id for account in self._accounts]
        connection = await asyncpg.connect(url)
        try:
            async with asyncio.timeout(seconds):
                while await connection.fetchval(_OPEN, ids):  # noqa: ASYNC110 - another process does it
                    await asyncio.sleep(0.1)
        finally:
            await connection.close()
        return time.monotonic() - began

    async def disagreements(self, url: str) -> list[str]:
        """Return each difference between what is stored and what was acknowledged."""
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(_STORED, [account.account_id for account in self._accounts])
        finally:
            await connection.close()
        copies = [_key(row) for row in rows if not row["incoming"]]
        twins = Counter(_key(row) for row in rows if row["incoming"])
        numbers = {account.account_id: account.msisdn for account in self._accounts}
        owners = {number: account_id for account_id, number in numbers.items()}
        expected = Counter((owners[address[1:]], f"+{numbers[sender]}", text) for sender, address, text in copies)
        found = [f"{text}: {twins[key]} twins, not {count}" for key, count in expected.items() if twins[key] != count
                 for text in [key[2]]]  # fmt: skip
        found += [f"{key[2]}: a twin of nothing" for key in twins if key not in expected]
        found += [f"{row['body']}: status {row['status']}, origin {row['origin']}" for row in rows if _unfinished(row)]
        stored = Counter(copies)
        acknowledged = Counter((s.sender.account_id, f"+{s.recipient.msisdn}", s.text) for s in self.acknowledged)
        return found + [f"{key[2]}: stored {stored[key]} times" for key in acknowledged if stored[key] != 1]


def _key(row: Any) -> tuple[int, str, str]:
    return (row["account_id"], row["address"], row["body"])


def _unfinished(row: Any) -> bool:
    return not row["incoming"] and (row["status"], row["origin"]) != (_COMPLETED, 2)
