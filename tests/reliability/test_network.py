"""A broker or a database that is there but does not answer: every call has an answer, and service comes back alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from deploy.local.servers import Servers
from tests.reliability.client import Client, Outcome
from tests.reliability.proxy import Proxy
from tests.reliability.settings import BACK_SECONDS, DARK_SECONDS
from tests.running import Account, Stack

BUDGET = 5.0
# What an answer may take beside its budget, five times the goal, on a machine that is shared.
GRACE = 2.5


class Calls:
    """Calls that go on while something is away: the slowest answer, and whether each had one."""

    def __init__(self, client: Client, account: Account) -> None:
        self._client = client
        self._account = account
        self.slowest = 0.0
        self.outcomes: list[Outcome] = []

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Call from 20 tasks, several times a second each, until the block ends."""
        stopping = asyncio.Event()
        tasks = [asyncio.create_task(self._call(stopping, number)) for number in range(20)]
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*tasks)

    async def _call(self, stopping: asyncio.Event, number: int) -> None:
        while not stopping.is_set():
            began = time.monotonic()
            outcome, answer = await self._client.write(
                self._account, "/user/message/insert", address="+436990000001", message=f"{number}"
            )
            assert answer, "a connection ended without an answer"
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.outcomes.append(outcome)
            await asyncio.sleep(0.2)


@contextmanager
def frozen(servers: Servers) -> Iterator[None]:
    """Stop the broker's processes for the length of the block, without ending them."""
    servers.rabbitmq.freeze()
    try:
        yield
    finally:
        servers.rabbitmq.thaw()


async def back(client: Client, account: Account) -> float:
    """Return after how many seconds a write is acknowledged again."""
    began = time.monotonic()
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            outcome, _ = await client.write(account, "/user/message/insert", address="+436990000001", message="back?")
            if outcome is Outcome.DONE:
                return time.monotonic() - began
            await asyncio.sleep(0.1)


async def outlives(stack: Stack, away: AbstractContextManager[None], what: str) -> None:
    """Call while something is away, and hold that each call is answered in time and that service comes back."""
    account = await stack.account()
    async with Client(stack.base_url, stack.api_key) as client:
        await back(client, account)
        calls = Calls(client, account)
        async with calls.going_on():
            await asyncio.sleep(1)
            with away:
                await asyncio.sleep(DARK_SECONDS)
            seconds = await back(client, account)
        print(f"{what} for {DARK_SECONDS} s: slowest answer {calls.slowest:.2f} s, back after {seconds:.2f} s")
    assert calls.slowest < BUDGET + GRACE
    assert Outcome.UNKNOWN in calls.outcomes


async def test_the_broker_is_frozen(servers: Servers, stack: Stack) -> None:
    await outlives(stack, frozen(servers), "broker frozen")


@pytest.mark.parametrize("dark", ["AMQP_URL", "DATABASE_URL"])
async def test_a_network_swallows_everything(servers: Servers, tmp_path: Path, stack: Stack, dark: str) -> None:
    port = servers.rabbitmq.port if dark == "AMQP_URL" else servers.postgres.port
    async with Proxy(port) as proxy:
        url = servers.environment[dark].replace(f":{port}", f":{proxy.port}")
        apart = Stack(servers, tmp_path, {dark: url})
        # Workers that are not in the dark would take half of the commands.
        await asyncio.to_thread(stack.stop)
        try:
            await asyncio.to_thread(apart.start)
            await outlives(apart, proxy.dark(), f"{dark} dark")
        finally:
            await asyncio.to_thread(apart.stop)
            await asyncio.to_thread(stack.resume)
