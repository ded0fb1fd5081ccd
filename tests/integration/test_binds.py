"""Binds: no carrier sees more than it allows, whatever happens to workers and to the database."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from deploy.local.servers import Servers
from services.delivery.binds import BindLease, BindLeases, Terms, terms_of
from shared.postgres.pool import Database
from shared.settings import Settings
from tests.integration.delivery_rig import delivery_rig
from tests.integration.delivery_rows import rows
from tests.reliability.proxy import Proxy

_QUICK = Terms(lease=1.0, renew=0.2, unbind=0.4, share=0.0)
_TAKEN_OVER_SECONDS = 15.0


@pytest.fixture(scope="module")
async def url(servers: Servers) -> AsyncIterator[str]:
    async with delivery_rig(servers) as rig:
        yield rig.rig.url


@asynccontextmanager
async def _worker(url: str, terms: Terms = _QUICK) -> AsyncIterator[BindLeases]:
    async with Database(url, 2, name="binds") as database:
        leases = BindLeases(database, terms)
        async with leases.running():
            yield leases


async def _held(leases: BindLeases, carrier: str, slots: int = 1) -> BindLease:
    """Hold a slot as soon as one is free."""
    async with asyncio.timeout(20):
        while True:
            lease = await leases.hold(carrier, slots)
            if lease is not None:
                return lease
            await asyncio.sleep(0.05)


async def test_workers_have_a_slot_each_and_no_more_than_there_are(url: str) -> None:
    async with _worker(url) as one, _worker(url) as two, _worker(url) as three:
        held = [await leases.hold("two", 2) for leases in (one, two, three)]
        assert [lease.slot if lease else None for lease in held] == [0, 1, None]
        # Renewed, they last longer than a lease.
        await asyncio.sleep(1.5 * _QUICK.lease)
        assert await three.hold("two", 2) is None
        assert await one.hold("another", 1) is not None
        assert not any(lease.lost.is_set() for lease in held if lease)


async def test_one_worker_has_all_slots_where_it_is_alone(url: str) -> None:
    async with _worker(url, _QUICK._replace(share=0.5)) as one:
        assert await one.hold("alone", 2) is not None
        assert await one.hold("alone", 2) is None
        began = time.monotonic()
        assert (await _held(one, "alone", 2)).slot == 1
        assert time.monotonic() - began > 0.3


async def test_what_is_released_is_free_at_once(url: str) -> None:
    async with _worker(url) as two:
        async with _worker(url) as one:
            lease = await _held(one, "given")
            assert await two.hold("given", 1) is None
            await lease.release()
            await lease.release()
            taken = await two.hold("given", 1)
            assert taken is not None
            await taken.release()
            assert await one.hold("given", 1) is not None
        # A worker that ends gives back what it still has.
        assert await two.hold("given", 1) is not None


async def test_a_race_for_slots_never_has_too_many_winners(url: str) -> None:
    dice, most, wins, bound = random.Random(1), 0, 0, set[BindLease]()

    async def work(leases: BindLeases, end: float) -> None:
        nonlocal most, wins
        while time.monotonic() < end:
            lease = await leases.hold("raced", 3)
            if lease is not None:
                bound.add(lease)
                most, wins = max(most, len(bound)), wins + 1
                await asyncio.sleep(dice.uniform(0, 0.05))
                bound.discard(lease)
                await lease.release()

    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(_worker(url)) for _ in range(5)]
        end = time.monotonic() + 2
        await asyncio.gather(*(work(leases, end) for leases in workers for _ in range(2)))
    assert most == 3
    assert wins > 20


async def test_the_slot_of_a_killed_worker_is_taken_over_in_time(url: str) -> None:
    command = [sys.executable, "-m", "tests.integration.bind_holder", url, "killed"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with _worker(url, terms_of(Settings().delivery_bind_seconds)) as leases:
        assert await process.stdout.readline() == b"0\n"
        # By now it was renewed, so its time is not that of its first lease.
        await asyncio.sleep(4)
        assert await leases.hold("killed", 1) is None
        process.kill()
        await process.wait()
        began = time.monotonic()
        await _held(leases, "killed")
        seconds = time.monotonic() - began
    print(f"taken over {seconds:.1f} s after the SIGKILL")
    assert 5 < seconds < _TAKEN_OVER_SECONDS


@pytest.fixture
async def proxy(servers: Servers) -> AsyncIterator[Proxy]:
    async with Proxy(servers.postgres.port) as proxy:
        yield proxy


async def test_who_cannot_renew_has_unbound_before_another_may_bind(url: str, servers: Servers, proxy: Proxy) -> None:
    through = url.replace(f":{servers.postgres.port}", f":{proxy.port}")
    async with _worker(url) as other, _worker(through) as cut:
        lease = await _held(cut, "cut")
        with proxy.dark():
            taking = asyncio.create_task(_held(other, "cut"))
            async with asyncio.timeout(10):
                await lease.lost.wait()
            lost_at = time.monotonic()
            assert not taking.done()
            assert await cut.hold("cut", 1) is None
            await lease.release()
            await taking
            assert time.monotonic() - lost_at > _QUICK.unbind / 2
        # What was lost is not held on to, and the other's stays.
        await asyncio.sleep(0.5)
        assert await cut.hold("cut", 1) is None


async def test_what_somebody_else_has_is_lost_at_once(url: str) -> None:
    async with _worker(url) as leases:
        lease, other = await _held(leases, "stolen"), await _held(leases, "kept")
        await rows(url, "update delivery_bind set holder = 'another' where carrier = 'stolen'")
        async with asyncio.timeout(2):
            await lease.lost.wait()
        assert not other.lost.is_set()
        await lease.release()
    assert await rows(url, "select holder from delivery_bind where carrier = 'stolen'") == [{"holder": "another"}]
