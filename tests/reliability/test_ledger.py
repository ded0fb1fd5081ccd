"""Every acknowledged write is stored once, whatever dies under load.

`RELIABILITY_ROUNDS` sets how often each fault strikes (1 in `make test`), `RELIABILITY_SEED` replays a run.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.servers import Servers
from tests.reliability.client import Client, Outcome
from tests.reliability.ledger import Ledger
from tests.running import Stack

ROUNDS = int(os.environ.get("RELIABILITY_ROUNDS", "1"))
SEED = int(os.environ.get("RELIABILITY_SEED", "20"))
RATE = 250.0
ACCOUNTS = 50
# The goal is 15 s; a test on a shared machine allows five times that.
BACK_SECONDS = 75.0
WORKERS = ("accounts", "conversations", "messages")


@pytest.fixture
async def ledger(stack: Stack) -> AsyncIterator[Ledger]:
    """Yield a ledger that writes; at the end compare it with what is stored."""
    accounts = await stack.accounts(ACCOUNTS)
    async with Client(stack.base_url, stack.api_key) as client:
        ledger = Ledger(client, accounts, rate=RATE, seed=SEED)
        async with ledger.writing():
            await ledger.back(BACK_SECONDS)
            yield ledger
            await ledger.back(BACK_SECONDS)
        counts = {outcome.value: ledger.outcomes[outcome] for outcome in Outcome}
        print(f"seed {SEED}, rounds {ROUNDS}, {counts}")
        assert await ledger.disagreements() == []
        assert ledger.outcomes[Outcome.DONE] > RATE


def pids(stack: Stack, *names: str) -> list[int]:
    return [stack.roles[name].pid for name in names if stack.roles[name].process.running]


@pytest.mark.parametrize("name", WORKERS)
async def test_a_worker_is_killed(stack: Stack, ledger: Ledger, name: str) -> None:
    dice = random.Random(SEED)
    for _ in range(ROUNDS):
        await asyncio.sleep(0.5 + dice.random())
        stack.roles[name].kill()
        stack.roles[name].process.start()
        print(f"{name} killed, back after {await ledger.back(BACK_SECONDS):.2f} s")
    await asyncio.to_thread(stack.roles[name].wait_ready)


@pytest.mark.parametrize("point", ["server.received", "server.ran", "server.replied"])
async def test_a_worker_dies_at_a_failpoint(stack: Stack, ledger: Ledger, point: str, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    dying = stack.another("messages", {"FAILPOINTS": f"{point}=kill@{dice.randrange(5, 40)}"}, tmp_path)
    for _ in range(ROUNDS):
        await asyncio.to_thread(dying.start)
        await asyncio.to_thread(dying.process.wait_gone)
        print(f"died at {point}, back after {await ledger.back(BACK_SECONDS):.2f} s")


async def test_the_broker_is_restarted(servers: Servers, stack: Stack, ledger: Ledger) -> None:
    before = pids(stack, *stack.roles)
    for _ in range(ROUNDS):
        await asyncio.sleep(1)
        await asyncio.to_thread(servers.rabbitmq.restart)
        print(f"broker restarted, back after {await ledger.back(BACK_SECONDS):.2f} s")
    assert pids(stack, *stack.roles) == before


async def test_postgres_is_stopped_immediately(servers: Servers, stack: Stack, ledger: Ledger) -> None:
    before = pids(stack, *stack.roles)
    for _ in range(ROUNDS):
        await asyncio.sleep(1)
        await asyncio.to_thread(servers.postgres.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(servers.postgres.start)
        print(f"postgres stopped, back after {await ledger.back(BACK_SECONDS):.2f} s")
    assert pids(stack, *stack.roles) == before
