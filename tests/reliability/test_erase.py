"""An account is erased while its clients and its friends go on writing: afterwards there is nothing of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from deploy.local.servers import Servers
from tests.integration.full_account import rows_of
from tests.integration.terminal import Terminal
from tests.reliability.client import Client
from tests.running import Account, Stack

INSERT, SEND = "/user/message/insert", "/user/message/send"
NOWHERE = "amqp://guest:guest@127.0.0.1:1/"
_BEFORE_SECONDS, _AFTER_SECONDS = 1.0, 3.0
_DELIVERED_WITHIN_SECONDS = 30.0


@asynccontextmanager
async def _writing(client: Client, erased: Account, friends: Sequence[Account]) -> AsyncIterator[Counter[int]]:
    """Insert as the account and send to it until the block ends; count the codes that the account gets."""
    codes: Counter[int] = Counter()
    stopped = asyncio.Event()

    async def insert() -> None:
        while not stopped.is_set():
            answer = await client.call(erased, INSERT, address="+436990000001", message="meanwhile")
            codes[answer["errorCode"]] += 1

    async def send(friend: Account) -> None:
        while not stopped.is_set():
            await client.call(friend, SEND, recipient=int(erased.msisdn), message="are you there?")
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(insert())
        for friend in friends:
            tasks.create_task(send(friend))
        try:
            yield codes
        finally:
            stopped.set()


async def _texts(client: Client, friend: Account, erased: Account) -> set[str]:
    page = await client.read(friend, "/user/message/get/by/conversation", address=f"+{erased.msisdn}", limit=1000)
    return {each["message"] for each in page["messages"]}


async def _until_read(client: Client, friend: Account, erased: Account) -> None:
    """Wait for the friend's message: what is not delivered yet goes with the account that sent it."""
    async with asyncio.timeout(_DELIVERED_WITHIN_SECONDS):
        while "hello" not in await _texts(client, friend, erased):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("broker", ["there", "away from the command line"])
async def test_nothing_comes_back(servers: Servers, stack: Stack, broker: str) -> None:
    erased, *friends = await stack.accounts(3)
    environment = dict(stack.settings_env) if broker == "there" else {**stack.settings_env, "AMQP_URL": NOWHERE}
    terminal = Terminal(environment)
    async with Client(stack.base_url, stack.api_key) as client:
        for friend in friends:
            await client.call(erased, SEND, recipient=int(friend.msisdn), message="hello")
            await _until_read(client, friend, erased)
        async with _writing(client, erased, friends) as codes:
            await asyncio.sleep(_BEFORE_SECONDS)
            assert await terminal.process("accounts", "erase", f"id:{erased.account_id}", "--yes") == 0
            before = codes.total()
            await asyncio.sleep(_AFTER_SECONDS)
            assert codes.total() > before
        rows = await rows_of(servers.postgres.url, erased.account_id, erased.msisdn)
        for friend in friends:
            assert "hello" in await _texts(client, friend, erased)
    print(f"\nbroker {broker}: {dict(codes)}")
    assert rows == dict.fromkeys(rows, 0) | {"erased_account": 1}
    assert codes[0] > 0
    # Disabled for a moment, unknown then; and in between what gateways remember leads to a mailbox that is gone.
    assert codes.keys() <= {0, 97, 99, 100}
