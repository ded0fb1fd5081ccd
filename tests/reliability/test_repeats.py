"""Safe retries: with an `Idempotency-Key` a call may be repeated, whatever happened to its first answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from deploy.local.process import wait_until
from deploy.local.roles import sees_workers
from tests.running import Account, Stack

ADDRESS = "+436990000001"
TWINS = 100
Answer = tuple[int, str]


class Repeating:
    """A client that names a key with each call."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, account: Account) -> None:
        self._stack = stack
        self._session = session
        self._secrets = {"apiKey": stack.api_key, "authToken": account.auth_token}

    async def insert(self, key: str, text: str = "hello", gateway: int = 0) -> Answer:
        """Insert a message; return the HTTP status and the body."""
        return await self.post("/json/user/message/insert", {"Idempotency-Key": key}, gateway, message=text)

    async def post(self, path: str, headers: Mapping[str, str], gateway: int = 0, **fields: str) -> Answer:
        """Post to an address; return the HTTP status and the body."""
        url, body = self._stack.base_urls[gateway] + path, {**self._secrets, "address": ADDRESS, **fields}
        async with self._session.post(url, json=body, headers=headers) as response:
            return response.status, await response.text()

    async def texts(self) -> list[str]:
        """Return the messages of the address, the newest first."""
        url = f"{self._stack.base_url}/json/user/message/get/by/conversation"
        async with self._session.post(url, json={**self._secrets, "address": ADDRESS}) as response:
            return [entry["message"] for entry in (await response.json())["messages"]]


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Repeating]:
    """Yield a client with an account of its own."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=TWINS)) as session:
        yield Repeating(stack, session, await stack.account())


async def test_twins_at_once_have_one_effect_and_one_answer(client: Repeating) -> None:
    answers = await asyncio.gather(*(client.insert("a") for _ in range(TWINS)))
    assert set(answers) == {(200, '{"errorCode":0,"messageId":1}')}
    assert await client.texts() == ["hello"]


async def test_another_request_with_the_key_is_422_and_has_no_effect(client: Repeating) -> None:
    assert await client.insert("a") == (200, '{"errorCode":0,"messageId":1}')
    status, line = await client.insert("a", "other")
    assert (status, line.count("\n")) == (422, 1)
    assert await client.texts() == ["hello"]


async def test_json_and_xml_of_one_request_are_the_same_request(client: Repeating) -> None:
    await client.insert("a")
    status, text = await client.post("/xml/user/message/insert", {"Idempotency-Key": "a"}, message="hello")
    assert (status, "<messageId>1</messageId>" in text) == (200, True)
    assert await client.texts() == ["hello"]


@pytest.mark.parametrize("key", ["", "a b", "ä", "a" * 256, "tab\there"])
async def test_what_cannot_be_a_key_is_400(client: Repeating, key: str) -> None:
    assert (await client.insert(key))[0] == 400
    assert (await client.post("/json/user/message/conversations/get", {"Idempotency-Key": key}))[0] == 200
    assert await client.texts() == []


async def test_a_key_of_255_characters_counts(client: Repeating) -> None:
    answers = [await client.insert("~" * 255) for _ in range(2)]
    assert answers == [(200, '{"errorCode":0,"messageId":1}')] * 2


async def test_a_key_survives_a_worker_killed_between_commit_and_answer(
    stack: Stack, client: Repeating, tmp_path: Path
) -> None:
    await client.insert("first")
    messages = stack.roles["messages"]
    await asyncio.to_thread(messages.stop)
    dying = stack.another("messages", {"FAILPOINTS": "server.ran=kill"}, tmp_path)
    await asyncio.to_thread(dying.start)
    await asyncio.to_thread(
        wait_until, partial(sees_workers, stack.roles["gateway"].health_port), "the dying worker", 30
    )
    first = asyncio.create_task(client.insert("a", "once"))
    await asyncio.to_thread(dying.process.wait_gone)
    assert await first == (200, '{"errorCode":99}')
    await asyncio.to_thread(messages.start)
    await asyncio.to_thread(stack.wait_ready)
    assert await client.insert("a", "once") == (200, '{"errorCode":0,"messageId":2}')
    assert await client.texts() == ["once", "hello"]
