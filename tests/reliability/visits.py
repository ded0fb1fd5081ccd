"""Visits: somebody calls one operation of each queue, again and again, and notes each answer that is not 0."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.reliability.client import Client
from tests.running import Account

_ADDRESS = "+436990000009"


class Visits:
    """Calls from each account in turn, one call after the other, `pause` seconds apart."""

    def __init__(self, client: Client, accounts: Sequence[Account], *, pause: float) -> None:
        self._client = client
        self._accounts = accounts
        self._pause = pause
        self._stopping = False
        self.made: Counter[str] = Counter()
        self.failed: list[str] = []

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Call until the block ends."""
        tasks = [asyncio.create_task(self._visit(account)) for account in self._accounts]
        try:
            yield
        finally:
            self._stopping = True
            await asyncio.gather(*tasks)

    async def _visit(self, account: Account) -> None:
        calls = _calls(account, self._next(account))
        # Each begins with another call, or all would log in at the same moment.
        for path, fields in itertools.islice(itertools.cycle(calls), self._accounts.index(account), None):
            if self._stopping:
                return
            await self._call(account, path, fields)
            await asyncio.sleep(self._pause)

    def _next(self, account: Account) -> Account:
        return self._accounts[(self._accounts.index(account) + 1) % len(self._accounts)]

    async def _call(self, account: Account, path: str, fields: dict[str, Any]) -> None:
        self.made[path] += 1
        began = time.time()
        try:
            code = (await self._client.call(account, path, **fields))["errorCode"]
        except (aiohttp.ClientError, TimeoutError) as error:
            code = f"{type(error).__name__} {error}"
        if code != 0:
            self.failed.append(f"{path} at {began:.2f} for {time.time() - began:.2f} s: {code}")


def _calls(account: Account, other: Account) -> tuple[tuple[str, dict[str, Any]], ...]:
    return (
        ("/user/login", {"msisdn": int(account.msisdn), "password": account.password}),
        ("/user/contact/contacts/get", {}),
        ("/user/message/conversations/get", {}),
        ("/user/message/search", {"query": "there"}),
        ("/user/message/send", {"recipient": int(other.msisdn), "message": "there you are"}),
        ("/remote/sms/send", {"recipients": [f"+{other.msisdn}"], "message": "there it is"}),
        ("/user/message/conversations/delete", {"address": _ADDRESS}),
    )
