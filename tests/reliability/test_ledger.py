"""Every acknowledged write is stored once, whatever dies under load."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.servers import Servers
from tests.reliability.client import Client, Outcome
from tests.reliability.ledger import Ledger
from tests.reliability.settings import (
    BACK_SECONDS,
    BROKER_KILLS,
    BROKER_RESTARTS,
    FAILPOINT_KILLS,
    GATEWAY_KILLS,
    POSTGRES_STOPS,
    READ_ONLY_SECONDS,
    SEED,
    WORKER_KILLS,
)
from tests.running import Stack

RATE = 250.0
ACCOUNTS = 50
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
        print(f"seed {SEED}: {counts}")
        assert await ledger.disagreements() == []
        assert ledger.outcomes[Outcome.DONE] > ACCOUNTS


@pytest.mark.parametrize("name", WORKERS)
async def test_a_worker_is_killed(stack: Stack, ledger: Ledger, name: str) -> None:
    await _kill(stack, ledger, name, WORKER_KILLS)


async def test_the_gateway_is_killed_mid_request(stack: Stack, ledger: Ledger) -> None:
    await _kill(stack, ledger, "gateway", GATEWAY_KILLS)


async def _kill(stack: Stack, ledger: Ledger, name: str, times: int) -> None:
    dice = random.Random(SEED)
    for _ in range(times):
        await asyncio.sleep(0.5 + dice.random())
        stack.roles[name].kill()
        stack.roles[name].process.start()
        print(f"{name} killed, back after {await ledger.back(BACK_SECONDS):.2f} s")
    await asyncio.to_thread(stack.roles[name].wait_ready)


@pytest.mark.parametrize("point", ["server.received", "server.ran", "server.replied"])
async def test_a_worker_dies_at_a_failpoint(stack: Stack, ledger: Ledger, point: str, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    for _ in range(FAILPOINT_KILLS):
        dying = stack.another("messages", {"FAILPOINTS": f"{point}=kill@{dice.randrange(5, 40)}"}, tmp_path)
        await asyncio.to_thread(dying.process.start)
        await asyncio.to_thread(dying.process.wait_gone)
        print(f"died at {point}, back after {await ledger.back(BACK_SECONDS):.2f} s")


@pytest.mark.parametrize(("fault", "times"), [("restarted", BROKER_RESTARTS), ("killed", BROKER_KILLS)])
async def test_the_broker_goes_and_comes(
    servers: Servers, stack: Stack, ledger: Ledger, fault: str, times: int
) -> None:
    before = pids(stack)
    for _ in range(times):
        await asyncio.sleep(1)
        await asyncio.to_thread(servers.rabbitmq.kill if fault == "killed" else servers.rabbitmq.stop)
        await asyncio.to_thread(servers.rabbitmq.start)
        print(f"broker {fault}, back after {await ledger.back(BACK_SECONDS):.2f} s")
    assert pids(stack) == before


async def test_postgres_is_stopped_immediately(servers: Servers, stack: Stack, ledger: Ledger) -> None:
    before = pids(stack)
    for _ in range(POSTGRES_STOPS):
        await asyncio.sleep(1)
        await asyncio.to_thread(servers.postgres.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(servers.postgres.start)
        print(f"postgres stopped, back after {await ledger.back(BACK_SECONDS):.2f} s")
    assert pids(stack) == before


async def test_postgres_takes_no_writes(servers: Servers, stack: Stack, ledger: Ledger) -> None:
    before = pids(stack)
    connection = await asyncpg.connect(servers.postgres.url, server_settings={"default_transaction_read_only": "off"})
    try:
        await asyncio.sleep(1)
        refused = ledger.outcomes[Outcome.UNKNOWN]
        await _read_only(connection, "on")
        await asyncio.sleep(READ_ONLY_SECONDS)
        assert ledger.outcomes[Outcome.UNKNOWN] > refused
    finally:
        await _read_only(connection, "off")
        await connection.close()
    print(f"read-only for {READ_ONLY_SECONDS} s, back after {await ledger.back(BACK_SECONDS):.2f} s")
    assert pids(stack) == before


async def _read_only(connection: asyncpg.Connection, switch: str) -> None:
    await connection.execute(f"alter system set default_transaction_read_only = {switch}")
    await connection.execute("select pg_reload_conf()")


def pids(stack: Stack) -> list[int]:
    """Return the process ids of the roles: a fault of something else must restart none of them."""
    assert all(role.process.running for role in stack.roles.values())
    return [role.pid for role in stack.roles.values()]
