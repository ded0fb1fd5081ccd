"""Windows in a real Redis: they count as those in memory do, and nobody waits for a server that is away."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from deploy.local.ports import free_port
from services.gateway.shared_windows import SharedWindows
from services.gateway.windows import Ask, Memory, Verdict, Window
from tests.servers import PreparedServer

# What the server may take, five times; a call that fails waits for nothing.
_PATIENCE = 0.25


@asynccontextmanager
async def sharing(url: str, *, up: bool = True) -> AsyncIterator[SharedWindows]:
    async with SharedWindows(url) as shared:
        if up:
            await wait_until(lambda: shared.up)
        yield shared


async def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def timed(work: Awaitable[Verdict | None]) -> tuple[Verdict | None, float]:
    began = time.monotonic()
    return await work, time.monotonic() - began


def gauge() -> float | None:
    return REGISTRY.get_sample_value("usermessage_limits_shared")


def fresh(name: str, quota: int, seconds: int = 60) -> Window:
    return Window(f"{name}-{random.getrandbits(64):x}", quota, seconds)


@pytest.fixture
def url(redis: PreparedServer) -> str:
    return redis.url


@pytest_asyncio.fixture
async def shared(url: str) -> AsyncIterator[SharedWindows]:
    async with sharing(url) as shared:
        yield shared


async def taken(shared: SharedWindows, asks: list[Ask]) -> Verdict:
    verdict = await shared.take(asks)
    assert verdict is not None
    return verdict


async def test_it_decides_as_memory_does(shared: SharedWindows) -> None:
    memory = Memory()
    windows = [fresh("wide", 30), fresh("narrow", 12), fresh("other", 20)]
    choice = random.Random(5)
    for _ in range(150):
        met = choice.sample(windows, choice.randint(1, 3))
        asks = [Ask(window, choice.choice("ab"), choice.random() < 0.8) for window in met]
        ours, theirs = memory.take(asks), await taken(shared, asks)
        assert theirs.accepted == ours.accepted
        assert [each.used for each in theirs.standings] == [each.used for each in ours.standings]
        assert all(0 < each.seconds <= 60 for each in theirs.standings)


async def test_a_window_slides(shared: SharedWindows) -> None:
    window = fresh("short", 3, seconds=1)
    began = time.monotonic()
    while (await taken(shared, [Ask(window, "a")])).accepted:
        pass
    assert time.monotonic() - began < 0.9, "this machine is too slow to fill a window of a second"
    told = (await taken(shared, [Ask(window, "a")])).standings[0].seconds
    assert 0 < told <= 1
    await asyncio.sleep(told + 0.01)
    assert (await taken(shared, [Ask(window, "a")])).accepted


async def test_many_at_once_and_from_two_gateways_take_no_more_than_there_is(url: str, shared: SharedWindows) -> None:
    window = fresh("account", 300)
    async with sharing(url) as other:
        verdicts = await asyncio.gather(
            *(each.take([Ask(window, "a")]) for _ in range(450) for each in (shared, other))
        )
    assert [verdict is not None and verdict.accepted for verdict in verdicts].count(True) == 300


async def test_keys_go_by_themselves(url: str, shared: SharedWindows) -> None:
    window = fresh("account", 3, seconds=1)
    await taken(shared, [Ask(window, "7"), Ask(window, "8", takes=False)])
    async with Redis.from_url(url.replace("valkey", "redis", 1), protocol=2) as client:
        keys = await client.keys(f"usermessage:{window.name}:*")
        assert keys == [f"usermessage:{window.name}:1:7".encode()]
        assert 0 < await client.pttl(keys[0]) <= 1050


async def test_a_killed_server_holds_up_nobody_and_is_found_again(redis: PreparedServer, shared: SharedWindows) -> None:
    asks = [Ask(fresh("account", 100), "a")]
    assert (await taken(shared, asks)).accepted
    assert gauge() == 1
    redis.kill()
    try:
        for _ in range(20):
            verdict, seconds = await timed(shared.take(asks))
            assert verdict is None
            assert seconds < _PATIENCE
        assert gauge() == 0
    finally:
        redis.start()
    await wait_until(lambda: shared.up)
    assert (await taken(shared, asks)).standings[0].used == 1
    assert gauge() == 1


async def test_of_a_frozen_server_only_the_first_waits(redis: PreparedServer, shared: SharedWindows) -> None:
    asks = [Ask(fresh("account", 100), "a")]
    redis.freeze()
    try:
        verdict, seconds = await timed(shared.take(asks))
        assert verdict is None
        assert 0.04 < seconds < _PATIENCE
        began = time.monotonic()
        for _ in range(100):
            assert await shared.take(asks) is None
        assert time.monotonic() - began < 100 * 0.05 / 2
        await asyncio.sleep(2.5)
        assert not shared.up
    finally:
        redis.thaw()
    await wait_until(lambda: shared.up)
    assert (await taken(shared, asks)).accepted


async def test_a_server_that_answers_errors_is_left_aside(url: str, shared: SharedWindows) -> None:
    asks = [Ask(fresh("account", 100), "a")]
    async with Redis.from_url(url.replace("valkey", "redis", 1), protocol=2) as client:
        await client.config_set("maxmemory", 1)
        try:
            assert await shared.take(asks) is None
            await asyncio.sleep(1.5)
            assert not shared.up
        finally:
            await client.config_set("maxmemory", 0)
    await wait_until(lambda: shared.up)


@pytest.mark.parametrize("address", ["redis://:wrong@127.0.0.1:{port}/0", "redis://127.0.0.1:{closed}/0"])
async def test_a_server_that_never_was_there_is_told_once(
    redis: PreparedServer, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with sharing(address.format(port=redis.port, closed=free_port()), up=False) as shared:
        await asyncio.sleep(2.5)
        verdict, seconds = await timed(shared.take([Ask(fresh("account", 100), "a")]))
    assert verdict is None
    assert seconds < _PATIENCE
    assert [record.getMessage() for record in caplog.records if record.name == "services.gateway.shared_windows"] == [
        "rate limits count in this gateway alone"
    ]


async def test_a_gateway_that_stood_still_itself_does_not_blame_the_server(shared: SharedWindows) -> None:
    asks = [Ask(fresh("account", 100), "a")]
    for turns in range(16):  # the call is sent after some of them
        taking = asyncio.create_task(shared.take(asks))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251 - as a long answer that is written does
        verdict = await taking
        assert verdict is not None
        assert verdict.accepted


async def test_who_still_waits_at_the_end_is_told(redis: PreparedServer) -> None:
    async with sharing(redis.url) as shared:
        redis.freeze()
        taking = [asyncio.create_task(shared.take([Ask(fresh("account", 100), "a")])) for _ in range(3)]
        await asyncio.sleep(0.01)
    redis.thaw()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*taking) == [None] * 3
