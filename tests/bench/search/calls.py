"""Calls of the accounts that are searched, as bytes for loops and one by one."""

import json
from collections.abc import Sequence
from typing import Any

import aiohttp

from shared.settings import Settings
from tests.bench.load import post
from tests.bench.stack import Service


class Calls:
    """Calls of accounts, counted from 0."""

    def __init__(self, service: Service, tokens: Sequence[str], account_ids: Sequence[int]) -> None:
        self.service = service
        self.account_ids = account_ids
        self._tokens = tokens

    @property
    def index_url(self) -> str:
        """Return where OpenSearch has the index."""
        settings = Settings.from_environment(self.service.environment)
        return f"{settings.opensearch_url}/{settings.opensearch_index}"

    def post(self, path: str, account: int, **fields: object) -> bytes:
        """Return a request."""
        return post(self._url(path), json.dumps({**self._secrets(account), **fields}).encode())

    async def answer(self, session: aiohttp.ClientSession, path: str, account: int, **fields: object) -> dict[str, Any]:
        """Call, which must succeed, and return the answer."""
        async with session.post(self._url(path), json={**self._secrets(account), **fields}) as response:
            answer: dict[str, Any] = await response.json()
        assert answer["errorCode"] == 0, answer
        return answer

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.service.port}/json{path}"

    def _secrets(self, account: int) -> dict[str, str]:
        return {"apiKey": self.service.api_key, "authToken": self._tokens[account]}


def dealt(requests: Sequence[bytes], connections: int) -> list[list[bytes]]:
    """Deal requests out to so many connections."""
    return [list(requests[place::connections]) for place in range(connections)]


def succeeded(body: bytes) -> bool:
    """Whether the service did it."""
    return body.startswith(b'{"errorCode":0')
