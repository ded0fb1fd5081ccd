"""An old snapshot keeps what has left in the tables, and the relay does not read it again and again."""

import time

import asyncpg

from deploy.local.servers import Servers
from tests.integration.fresh_database import fresh_database
from tests.integration.relay_rig import Rig, relay_rig
from tests.reliability.settings import RELAYED_EVENTS

STEP = 4000
# The goal is 2 times.
DEARER = 10.0


async def test_the_cost_of_an_event_stays_while_a_snapshot_is_open(servers: Servers) -> None:
    async with fresh_database(servers) as url, relay_rig(url, servers.rabbitmq.url) as rig:
        await _seconds(rig)
        old = await asyncpg.connect(url)
        try:
            await old.execute("begin isolation level repeatable read")
            await old.execute("select from outbox")
            costs = [await _seconds(rig) for _ in range(RELAYED_EVENTS // STEP)]
        finally:
            await old.close()
        moved = sum(len(batch) for batch in await rig.batches())
    assert moved == STEP + RELAYED_EVENTS // STEP * STEP
    tenth = max(1, len(costs) // 10)
    first, last = sum(costs[:tenth]) / tenth, sum(costs[-tenth:]) / tenth
    print(f"{RELAYED_EVENTS} events behind an old snapshot: {first / STEP * 1e6:.0f} us each, then "
          f"{last / STEP * 1e6:.0f} us: {last / first:.2f} times")  # fmt: skip
    assert last < DEARER * first


async def test_the_cost_stays_while_a_backlog_leaves_behind_a_snapshot(servers: Servers) -> None:
    async with fresh_database(servers) as url, relay_rig(url, servers.rabbitmq.url) as rig:
        await rig.write(RELAYED_EVENTS)
        old = await asyncpg.connect(url)
        try:
            await old.execute("begin isolation level repeatable read")
            await old.execute("select from outbox")
            costs: list[float] = []
            while left := await rig.left():
                began = time.monotonic()
                for _ in range(RELAYED_EVENTS // 10 // 500):
                    await rig.relay.round()
                costs.append((time.monotonic() - began) / (left - await rig.left()))
        finally:
            await old.close()
    print(f"a backlog of {RELAYED_EVENTS}: {costs[0] * 1e6:.0f} us each, at the end {costs[-2] * 1e6:.0f} us")
    assert costs[-2] < DEARER * costs[0]


async def _seconds(rig: Rig) -> float:
    """Write and relay some events; return the seconds that relaying took."""
    await rig.write(STEP)
    began = time.monotonic()
    await rig.relay_all()
    return time.monotonic() - began
