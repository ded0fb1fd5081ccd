"""Two gateways and one Redis: together they accept what one would, and no call suffers when the Redis is away."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.local.ports import free_port
from deploy.local.process import wait_until
from deploy.local.roles import sees_workers
from services.gateway.limits import Limiter, LimitReached
from shared.contract.operation import Bucket, Identity
from shared.settings import Settings
from tests.reliability.client import Client
from tests.running import Account, Role, Stack
from tests.servers import PreparedServer

# So few that a slow machine fills a window in half its length.
CALLS, SECONDS = 60, 3
PATH = "/user/message/conversations/get"
# A server that is away costs a call 50 ms; a test on a shared machine allows much more, but no call waits for ever.
BOUNDED_SECONDS = 1.0
BACK_SECONDS = 20.0


@dataclass
class Calls:
    """What so many calls came to."""

    codes: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0


@pytest.fixture(scope="module")
def gateways(stack: Stack, redis: PreparedServer, run_folder: Path) -> Iterator[list[Role]]:
    """Yield two gateways that share their limits, and one that does not."""
    limits = {"LIMITS": "on", "LIMIT_ACCOUNT_CALLS": str(CALLS), "LIMIT_ACCOUNT_SECONDS": str(SECONDS)}
    urls = {"shared-1": redis.url, "shared-2": redis.url, "alone": ""}
    settings = {name: {**limits, "PORT": str(free_port()), "LIMITS_URL": url} for name, url in urls.items()}
    roles = [stack.another("gateway", own, run_folder / name) for name, own in settings.items()]
    try:
        for role in roles:
            role.process.start()
        for role in roles:
            role.wait_ready()
            wait_until(partial(sees_workers, role.health_port), "a gateway's sight of the workers", 30)
        yield roles
    finally:
        for role in roles:
            role.stop()


@pytest.fixture
def pair(gateways: list[Role]) -> list[Role]:
    """Return the two that share, once they do."""
    for role in gateways[:2]:
        wait_until(partial(shares, role), "a shared limiter", BACK_SECONDS)
    return gateways[:2]


def shares(role: Role) -> bool:
    with urlopen(f"http://127.0.0.1:{role.health_port}/metrics") as answer:
        return b"usermessage_limits_shared 1.0" in answer.read()


@asynccontextmanager
async def clients(stack: Stack, roles: Sequence[Role]) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(Client(role.base_url, stack.api_key)) for role in roles]


async def drive(
    stack: Stack, roles: Sequence[Role], accounts: Sequence[Account], going_on: Callable[[], bool], pause: float
) -> Calls:
    """Let each account call each gateway, again and again."""
    calls = Calls()

    async def one(client: Client, account: Account) -> None:
        while going_on():
            began = time.monotonic()
            answer = await client.call(account, PATH)
            calls.codes[answer["errorCode"]] += 1
            calls.slowest = max(calls.slowest, time.monotonic() - began)
            await asyncio.sleep(pause)

    async with clients(stack, roles) as opened, asyncio.TaskGroup() as running:
        for client in opened:
            for account in accounts:
                running.create_task(one(client, account))
    return calls


def for_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


async def test_two_gateways_accept_what_one_accepts(stack: Stack, gateways: list[Role], pair: list[Role]) -> None:
    one, two = await stack.accounts(2)
    # Ends between the third filling of the window and the fourth.
    going_on = for_seconds(2.7 * SECONDS)
    alone, shared = await asyncio.gather(
        drive(stack, [gateways[2]], [one] * 6, going_on, 0.02),
        drive(stack, pair, [two] * 3, going_on, 0.02),
    )
    print(f"one gateway: {alone.codes}, two: {shared.codes}")
    assert alone.codes.keys() == shared.codes.keys() == {0, 98}
    assert alone.codes[0] >= 2 * CALLS
    assert abs(shared.codes[0] - alone.codes[0]) <= 0.05 * alone.codes[0]


@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_no_call_suffers_when_the_server_is_away(
    stack: Stack, redis: PreparedServer, pair: list[Role], fault: str
) -> None:
    accounts = await stack.accounts(12)
    ended = asyncio.Event()
    driving = asyncio.create_task(drive(stack, pair, accounts, lambda: not ended.is_set(), 0.2))
    await asyncio.sleep(1)
    begin, end = (redis.kill, redis.start) if fault == "killed" else (redis.freeze, redis.thaw)
    try:
        await asyncio.to_thread(begin)
        await asyncio.sleep(3)
        assert [shares(role) for role in pair] == [False, False]
    finally:
        await asyncio.to_thread(end)
    for role in pair:
        await asyncio.to_thread(wait_until, partial(shares, role), "a shared limiter", BACK_SECONDS)
    await asyncio.sleep(1)
    ended.set()
    calls = await driving
    print(f"{fault}: {calls.codes}, slowest {calls.slowest * 1000:.0f} ms")
    assert calls.codes.keys() == {0}
    assert calls.slowest < BOUNDED_SECONDS


async def test_without_the_server_each_gateway_has_the_limit_by_itself(
    stack: Stack, redis: PreparedServer, pair: list[Role]
) -> None:
    account = await stack.account()
    redis.kill()
    try:
        for role in pair:
            # Less than a window, as nothing is forgotten within it.
            calls = await drive(stack, [role], [account] * 8, for_seconds(0.9 * SECONDS), 0)
            assert calls.codes.keys() == {0, 98}
            assert calls.codes[0] == CALLS
    finally:
        redis.start()


async def test_what_was_let_through_together_counts_when_the_server_goes(redis: PreparedServer) -> None:
    caller = Identity(account_id=time.time_ns(), application_id=1, msisdn=None)
    async with Limiter(Settings(limits_url=redis.url, limit_account_calls=3, limit_account_seconds=60)) as limiter:
        async with asyncio.timeout(BACK_SECONDS):
            while await limiter.problem():  # noqa: ASYNC110 - it looks for the server by itself
                await asyncio.sleep(0.05)
        for _ in range(3):
            await limiter.account(caller, Bucket.READ)
        redis.kill()
        try:
            with pytest.raises(LimitReached):
                await limiter.account(caller, Bucket.READ)
        finally:
            redis.start()
