"""A client of the API as a user would write one: JSON over HTTP, and what each answer means for a ledger."""

import asyncio
import json
from enum import Enum
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.running import Account


class Outcome(Enum):
    """What a caller knows after a call: done, not done, or not known."""

    DONE = "done"
    NOTHING = "nothing was done"
    UNKNOWN = "unknown"


_READ_TRIES = 60
_OUTCOMES = {0: Outcome.DONE, 98: Outcome.NOTHING, 99: Outcome.UNKNOWN}


class UnexpectedAnswer(Exception):  # noqa: N818 - a finding
    """An answer that no fault may cause."""


class Client:
    """Calls one gateway; without `keep_alive` each call has a connection of its own."""

    def __init__(self, base_url: str, api_key: str, *, connections: int = 64, keep_alive: bool = True) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._connections = connections
        self._keep_alive = keep_alive

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections, force_close=not self._keep_alive)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=40))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(self, account: Account, path: str, **fields: Any) -> dict[str, Any]:
        """Return the answer; raises `aiohttp.ClientError` or `TimeoutError` where none came."""
        body = {"apiKey": self._api_key, "authToken": account.auth_token, **fields}
        async with self._session.post(f"{self._base_url}/json{path}", json=body) as response:
            answer: dict[str, Any] = json.loads(await response.read())
            return answer

    async def read(self, account: Account, path: str, **fields: Any) -> dict[str, Any]:
        """Return the answer to a read, which may be repeated until it comes."""
        for _ in range(_READ_TRIES):
            answer = await self.call(account, path, **fields)
            if answer["errorCode"] == 0:
                return answer
            await asyncio.sleep(0.5)
        raise UnexpectedAnswer(f"{path} was answered {answer['errorCode']}, {_READ_TRIES} times")

    async def write(self, account: Account, path: str, **fields: Any) -> tuple[Outcome, dict[str, Any]]:
        """Return what the caller knows after the call, and the answer where there is one."""
        try:
            answer = await self.call(account, path, **fields)
        except (aiohttp.ClientError, TimeoutError):
            return Outcome.UNKNOWN, {}
        code = answer.get("errorCode")
        if code not in _OUTCOMES:
            raise UnexpectedAnswer(f"{path} was answered {code}")
        return _OUTCOMES[code], answer
