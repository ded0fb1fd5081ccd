"""Rate limits as clients meet them at one gateway: code 98 alone, when to come back, and where they stand."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.local.ports import free_port
from tests.running import Account, Stack

READ, WRITE = "message/conversations/get", "message/conversations/read"
CALLS, SECONDS = 5, 60
REFUSED = {
    "json": '{"errorCode":98}',
    "xml": '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<userMessageGetConversationsResponse><errorCode>98</errorCode></userMessageGetConversationsResponse>",
}


@dataclass(frozen=True)
class Answer:
    code: int
    body: str
    headers: Mapping[str, str]


class Caller:
    """Calls one gateway as JSON or XML, from any address: the gateway trusts this machine as a proxy."""

    def __init__(self, base_url: str, api_key: str, session: aiohttp.ClientSession) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._session = session

    async def call(self, path: str, *, mount: str = "json", client: str = "192.0.2.1", **fields: Any) -> Answer:
        url = f"{self._base_url}/{mount}/user/{path}"
        body = {"apiKey": self._api_key, **fields}
        async with self._session.post(url, json=body, headers={"X-Forwarded-For": client}) as response:
            text = await response.text()
            code = re.search(r"errorCode\W+(\d+)", text)
            assert response.status == 200
            assert code is not None, text
            return Answer(int(code[1]), text, response.headers)

    async def codes(self, count: int, path: str, **fields: Any) -> list[int]:
        return [(await self.call(path, **fields)).code for _ in range(count)]


@asynccontextmanager
async def gateway(stack: Stack, folder: Path, **settings: object) -> AsyncIterator[Caller]:
    """Run one more gateway with these limits."""
    port = free_port()
    texts = {"LIMITS": "on", "TRUSTED_PROXIES": "127.0.0.0/8", "PORT": str(port)}
    role = stack.another("gateway", {**texts, **{name: str(value) for name, value in settings.items()}}, folder)
    await asyncio.to_thread(role.start)
    try:
        async with aiohttp.ClientSession() as session:
            caller = Caller(role.base_url, stack.api_key, session)
            await _sees_workers(caller, await stack.account())
            yield caller
    finally:
        await asyncio.to_thread(role.stop)


async def _sees_workers(caller: Caller, account: Account) -> None:
    for _ in range(100):
        if (await caller.call(READ, authToken=account.auth_token)).code != 99:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError


@pytest.mark.parametrize("mount", ["json", "xml"])
async def test_an_account_hears_98_alone_and_when_to_come_back(stack: Stack, tmp_path: Path, mount: str) -> None:
    token = (await stack.account()).auth_token
    async with gateway(stack, tmp_path, LIMIT_ACCOUNT_CALLS=CALLS, LIMIT_ACCOUNT_SECONDS=SECONDS) as caller:
        for left in reversed(range(CALLS)):
            answer = await caller.call(READ, mount=mount, authToken=token)
            assert answer.code == 0
            assert answer.headers["RateLimit-Policy"] == f'"account";q={CALLS};w={SECONDS}'
            assert re.fullmatch(rf'"account";r={left};t=\d\d', answer.headers["RateLimit"])
            assert "Retry-After" not in answer.headers
        refused = await caller.call(READ, mount=mount, authToken=token)
    assert refused.body == REFUSED[mount]
    assert refused.headers["RateLimit"] == f'"account";r=0;t={refused.headers["Retry-After"]}'
    assert 30 < int(refused.headers["Retry-After"]) <= SECONDS + 1


async def test_one_who_comes_back_when_told_is_answered(stack: Stack, tmp_path: Path) -> None:
    token = (await stack.account()).auth_token
    async with gateway(stack, tmp_path, LIMIT_ACCOUNT_CALLS=CALLS, LIMIT_ACCOUNT_SECONDS=1) as caller:
        while (answer := await caller.call(READ, authToken=token)).code == 0:
            pass
        assert answer.code == 98
        await asyncio.sleep(int(answer.headers["Retry-After"]))
        assert (await caller.call(READ, authToken=token)).code == 0


async def test_classes_are_limited_inside_the_account(stack: Stack, tmp_path: Path) -> None:
    token = (await stack.account()).auth_token
    limits = {"LIMIT_ACCOUNT_SECONDS": SECONDS, "LIMIT_ACCOUNT_CALLS": 6, "LIMIT_WRITE_CALLS": 2}
    async with gateway(stack, tmp_path, **limits) as caller:
        asked = {"authToken": token, "address": "+436990000001"}
        assert await caller.codes(4, WRITE, **asked) == [0, 0, 98, 98]
        answer = await caller.call(WRITE, authToken=token)
        assert answer.code == 98, "98 comes before 2"
        assert '"write";r=0' in answer.headers["RateLimit"]
        assert answer.headers["RateLimit-Policy"] == f'"account";q=6;w={SECONDS}, "write";q=2;w={SECONDS}'
        assert await caller.codes(5, READ, authToken=token) == [0, 0, 0, 0, 98]


async def test_a_call_without_effect_counts_and_is_told(stack: Stack, tmp_path: Path) -> None:
    token = (await stack.account()).auth_token
    async with gateway(stack, tmp_path, LIMIT_ACCOUNT_CALLS=2, LIMIT_ACCOUNT_SECONDS=SECONDS) as caller:
        answer = await caller.call(WRITE, authToken=token)
        assert answer.code == 2
        assert answer.headers["RateLimit"].startswith('"account";r=1;')
        assert await caller.codes(2, WRITE, authToken=token) == [2, 98]


async def test_an_application_is_limited_over_its_accounts(stack: Stack, tmp_path: Path) -> None:
    first, second = await stack.accounts(2)
    async with gateway(stack, tmp_path, LIMIT_APPLICATION_CALLS=6, LIMIT_APPLICATION_SECONDS=SECONDS) as caller:
        for _ in range(5):  # one was used up to see the workers
            answer = await caller.call(READ, authToken=first.auth_token)
        assert answer.headers["RateLimit"].startswith('"application";r=0;')
        assert (await caller.call(READ, authToken=second.auth_token)).code == 98
        assert (await caller.call(READ, authToken="none such")).code == 98
        assert (await caller.call("login", msisdn=int(second.msisdn), password="wrong")).code == 98
        assert (await caller.call(READ, apiKey="none such", authToken=second.auth_token)).code == 600


async def test_failed_authentications_count_by_address(stack: Stack, tmp_path: Path) -> None:
    token = (await stack.account()).auth_token
    async with gateway(stack, tmp_path, LIMIT_FAILED_AUTHENTICATIONS=3) as caller:
        assert (await caller.call(READ, authToken="wrong 1")).code == 100
        assert (await caller.call(READ, apiKey="wrong", authToken="x")).code == 600
        assert (await caller.call(READ, authToken="wrong 2", client="[::ffff:192.0.2.1]:4711")).code == 100
        answer = await caller.call(READ, authToken="wrong 3")
        assert answer.code == 98
        assert 0 < int(answer.headers["Retry-After"]) <= 61
        assert (await caller.call(READ, authToken="wrong 3", client="192.0.2.2")).code == 100
        assert (await caller.call(READ, authToken=token, client="192.0.2.2")).code == 0
        assert (await caller.call(READ, authToken=token)).code == 0, "a remembered token goes on"


async def test_logins_count_by_address(stack: Stack, tmp_path: Path) -> None:
    account = await stack.account()
    person: dict[str, Any] = {"msisdn": int(account.msisdn), "password": account.password}
    async with gateway(stack, tmp_path, LIMIT_LOGINS=2) as caller:
        assert await caller.codes(2, "login", **person) == [0, 0]
        answer = await caller.call("login", **person)
        assert answer.code == 98
        assert 0 < int(answer.headers["Retry-After"]) <= 61
        assert (await caller.call("login", client="192.0.2.2", **person)).code == 0
