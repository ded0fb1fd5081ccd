"""Two gateways and three of each worker: one service, whichever gateway is asked, and all of them work."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.request import urlopen

import aiohttp
import pytest

from tests.running import Account, Role, Stack

WORKERS = ("accounts", "conversations", "messages")
COUNTED = re.compile(r'^usermessage_commands_total{code="0",operation="([^"]+)"} (\S+)$', re.MULTILINE)
ADDRESS = "+436990000001"


@pytest.fixture(scope="module")
def wide(stack: Stack) -> Iterator[Stack]:
    """Yield the stack with two gateways and three of each worker; afterwards it is as before."""
    stack.scale({"gateway": 2, **dict.fromkeys(WORKERS, 3)})
    try:
        yield stack
    finally:
        stack.scale(dict.fromkeys(("gateway", *WORKERS), 1))


class Caller:
    """Calls each gateway in turn."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._session = session
        self._turn = 0

    async def everywhere(self, path: str, **fields: object) -> list[bytes]:
        """Return each gateway's answer to the same call."""
        return [await self._post(url, path, fields) for url in self._stack.base_urls]

    async def in_turn(self, path: str, **fields: object) -> bytes:
        urls = self._stack.base_urls
        self._turn += 1
        return await self._post(urls[self._turn % len(urls)], path, fields)

    async def _post(self, url: str, path: str, fields: dict[str, object]) -> bytes:
        body = {"apiKey": self._stack.api_key, **fields}
        async with self._session.post(f"{url}{path}", json=body) as answer:
            return await answer.read()


@asynccontextmanager
async def calling(stack: Stack) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(stack, session)


def commands(role: Role) -> float:
    """Count the commands that a worker answered with 0, from its own metrics."""
    with urlopen(f"http://127.0.0.1:{role.health_port}/metrics") as answer:
        text = answer.read().decode()
    return sum(float(count) for _, count in COUNTED.findall(text))


@pytest.mark.parametrize("mount", ["json", "xml"])
async def test_all_gateways_give_the_same_answers(wide: Stack, mount: str) -> None:
    account = await wide.account()
    asked = {"authToken": account.auth_token, "address": ADDRESS}
    message = f"/{mount}/user/message"
    async with calling(wide) as caller:
        inserted = await caller.everywhere("/json/user/message/insert", **asked, message="one of two")
        assert inserted == [b'{"errorCode":0,"messageId":1}', b'{"errorCode":0,"messageId":2}']
        for path in ("/get/by/conversation", "/conversations/get"):
            first, second = await caller.everywhere(f"{message}{path}", **asked)
            assert first == second
            assert b"one of two" in first


async def test_what_one_gateway_wrote_every_gateway_reads(wide: Stack) -> None:
    account = await wide.account()
    asked = {"authToken": account.auth_token, "address": ADDRESS}
    async with calling(wide) as caller:
        for number in range(20):
            text = f"number {number}"
            await caller.in_turn("/json/user/message/insert", **asked, message=text)
            answers = await caller.everywhere("/json/user/message/get/by/conversation", **asked)
            assert all(text.encode() in answer for answer in answers)


async def test_a_token_of_one_gateway_is_good_at_every_gateway(wide: Stack) -> None:
    account = await wide.account()
    person = {"msisdn": int(account.msisdn), "password": account.password}
    async with calling(wide) as caller:
        for answer in await caller.everywhere("/json/user/login", **person):
            token = re.search(rb'"authToken":"([^"]+)"', answer)
            assert token is not None, answer
            listed = await caller.everywhere("/json/user/message/conversations/get", authToken=token[1].decode())
            assert listed == [b'{"errorCode":0,"conversations":[]}'] * 2


async def test_work_is_spread_over_all_workers(wide: Stack) -> None:
    accounts = await wide.accounts(12)
    before = {role: [commands(one) for one in wide.of(role)] for role in WORKERS}
    async with calling(wide) as caller:
        await asyncio.gather(*(_work(caller, account) for account in accounts))
    for role in WORKERS:
        done = [commands(one) - was for one, was in zip(wide.of(role), before[role], strict=True)]
        print(f"{role}: {done}")
        # A third is fair; envelopes of several commands make it uneven.
        assert min(done) > sum(done) / 10


async def _work(caller: Caller, account: Account) -> None:
    asked = {"authToken": account.auth_token, "address": ADDRESS}
    person = {"msisdn": int(account.msisdn), "password": account.password}
    for _ in range(3):
        assert b'"errorCode":0' in await caller.in_turn("/json/user/login", **person)
    for number in range(10):
        assert b'"errorCode":0' in await caller.in_turn("/json/user/message/insert", **asked, message=str(number))
        assert b'"errorCode":0' in await caller.in_turn("/json/user/message/conversations/get", **asked)
