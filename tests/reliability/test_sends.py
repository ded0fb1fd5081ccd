"""Every acknowledged send between accounts has exactly one twin, and its sender sees it, whatever dies under load."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aio_pika
import pytest

from deploy.local.servers import Servers
from shared.bus.events import batch_message
from shared.bus.topology import DELIVERY_EVENTS
from shared.contract.events import Event, Fact
from tests.reliability.client import Client, Outcome
from tests.reliability.send_ledger import SendLedger
from tests.reliability.settings import BACK_SECONDS, BROKER_KILLS, DATABASE_AWAY_SECONDS, FULL, SEED, SEND_KILLS
from tests.running import Stack

RATE = 250.0
ACCOUNTS = 1000 if FULL else 100
MESSAGES_POINTS = ("server.received", "server.ran", "relay.published")
DELIVERY_POINTS = ("subscriber.received", "delivery.twin_stored", "subscriber.handled", "relay.published")
# The goal is 2 s where nothing failed.
SETTLED_SECONDS = 90.0


@pytest.fixture
async def ledger(servers: Servers, stack: Stack) -> AsyncIterator[SendLedger]:
    """Yield a ledger that sends; at the end compare it with what is stored."""
    accounts = await stack.accounts(ACCOUNTS)
    async with Client(stack.base_url, stack.api_key) as client:
        ledger = SendLedger(client, accounts, rate=RATE, seed=SEED)
        async with ledger.sending():
            await ledger.back(BACK_SECONDS)
            yield ledger
            await ledger.back(BACK_SECONDS)
    seconds = await ledger.settled(servers.postgres.url, SETTLED_SECONDS)
    counts = {outcome.value: ledger.outcomes[outcome] for outcome in Outcome}
    print(f"seed {SEED}: {counts}, all settled {seconds:.2f} s after the last")
    assert await ledger.disagreements(servers.postgres.url) == []
    assert ledger.outcomes[Outcome.DONE] > RATE
    assert await _dead_letters(servers.rabbitmq.url) == 0


@pytest.mark.parametrize(("role", "points"), [("messages", MESSAGES_POINTS), ("delivery", DELIVERY_POINTS)])
async def test_a_worker_dies_at_every_point_of_a_send(
    stack: Stack, ledger: SendLedger, tmp_path: Path, role: str, points: tuple[str, ...]
) -> None:
    dice = random.Random(SEED)
    for nth in range(max(SEND_KILLS, len(points))):
        point = points[nth % len(points)]
        dying = stack.another(role, {"FAILPOINTS": f"{point}=kill@{dice.randrange(1, 8)}"}, tmp_path)
        await asyncio.to_thread(dying.process.start)
        await asyncio.to_thread(dying.process.wait_gone)
        print(f"{role} died at {point}, back after {await ledger.back(BACK_SECONDS):.2f} s")


async def test_the_broker_is_killed_under_sends(servers: Servers, stack: Stack, ledger: SendLedger) -> None:
    del stack
    for _ in range(BROKER_KILLS):
        await asyncio.sleep(3)
        await asyncio.to_thread(servers.rabbitmq.kill)
        await asyncio.to_thread(servers.rabbitmq.start)
        print(f"broker killed, back after {await ledger.back(BACK_SECONDS):.2f} s")


async def test_events_wait_for_a_database_that_is_away(servers: Servers, stack: Stack, ledger: SendLedger) -> None:
    del stack
    await asyncio.sleep(2)
    await asyncio.to_thread(servers.postgres.kill)
    await _repeat(servers.rabbitmq.url, {sent.sender.account_id for sent in ledger.acknowledged})
    await asyncio.sleep(DATABASE_AWAY_SECONDS)
    await asyncio.to_thread(servers.postgres.start)
    print(f"postgres away for {DATABASE_AWAY_SECONDS} s, back after {await ledger.back(BACK_SECONDS):.2f} s")
    assert await _waiting(servers.rabbitmq.url, DELIVERY_EVENTS.retries[0]) == 0, "an attempt was counted"


async def _repeat(url: str, account_ids: Iterable[int]) -> None:
    """Publish the event of each account's first message again, each in a batch of its own."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for account_id in account_ids:
            event = Event(Fact.SEND_REQUESTED, account_id, 1, 1, 0)
            await channel.default_exchange.publish(batch_message([event]), DELIVERY_EVENTS.name)


async def _dead_letters(url: str) -> int:
    return await _waiting(url, DELIVERY_EVENTS.dead)


async def _waiting(url: str, queue: str) -> int:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0
