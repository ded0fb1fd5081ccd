"""Phones end equal to the server though workers and the broker die, transactions are slow, or there is much to tell."""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import asyncpg

from deploy.local.servers import Servers
from tests.end_to_end.sync_client import CHANGES_AT_ONCE, Server, Store, SyncClient, Tree
from tests.reliability.device import Phone
from tests.reliability.large import fill
from tests.reliability.settings import SEED, SYNC_INTERLEAVINGS, SYNC_STEPS, SYNC_WORKER_KILLS
from tests.reliability.sync_steps import happen, random_step
from tests.reliability.sync_worlds import SyncWorlds
from tests.running import Account, Stack

WORLDS = 4
WORKERS = ("messages", "conversations", "delivery")
BEHIND, PAGE = 10_000, 1_000
# Of 15 KB each: two pages of nearly 16 MiB.
LONG = 2_000
# The goal is 2 s.
CAUGHT_UP_SECONDS = 10.0


class Playing:
    """Plays random steps in a world: so many at least, and until the faults are over; then lets it catch up."""

    def __init__(self, seed: str, steps: int, over: Event) -> None:
        self._dice = random.Random(seed)
        self._left = steps
        self._over = over

    def run(self, worlds: SyncWorlds, account: Account) -> int:
        """Return how many calls were not answered; raises `AssertionError` where a phone differs at the end."""
        with worlds.of(account) as world:
            while self._left > 0 or not self._over.is_set():
                happen(world, random_step(self._dice))
                self._left -= 1
            world.finish()
            return world.unanswered


def test_phones_are_equal_after_faults(servers: Servers, stack: Stack, sync_worlds: SyncWorlds) -> None:
    dice, over = random.Random(SEED), Event()
    with ThreadPoolExecutor(WORLDS) as threads:
        playing = [
            threads.submit(
                Playing(f"{SEED}-{number}", SYNC_STEPS // WORLDS, over).run, sync_worlds, sync_worlds.fresh_account()
            )
            for number in range(WORLDS)
        ]
        try:
            for _ in range(SYNC_WORKER_KILLS):
                time.sleep(0.5 + dice.random())
                name = dice.choice(WORKERS)
                stack.roles[name].kill()
                stack.roles[name].process.start()
                stack.roles[name].wait_ready()
            servers.rabbitmq.restart()
            stack.wait_ready()
        finally:
            over.set()
        unanswered = [each.result() for each in playing]
    print(f"{SYNC_STEPS} steps, unanswered calls: {unanswered}")
    assert sum(unanswered) > 0


class SlowWriter:
    """Changes a mailbox in transactions that stay open for a while, past the API."""

    def __init__(self, connection: asyncpg.Connection, account: Account, dice: random.Random) -> None:
        self._connection = connection
        self._account_id = account.account_id
        self._dice = dice

    async def write(self) -> None:
        changes = ("message_apply($1, $2, true, null)", "message_apply($1, $2, false, true)", "message_remove($1, $2)")
        async with self._connection.transaction():
            await self._connection.fetch("select mailbox_lock(array[$1::bigint], false)", self._account_id)
            last = await self._connection.fetchval(
                "select last_message_id from mailbox where account_id = $1", self._account_id
            )
            for _ in range(self._dice.randint(1, 3)):
                change = self._dice.choice(changes)
                await self._connection.fetch(f"select {change}", self._account_id, self._dice.randint(1, last + 1))
            await asyncio.sleep(self._dice.random() * 0.03)


async def test_slow_transactions_hide_nothing(servers: Servers, stack: Stack, sync_worlds: SyncWorlds) -> None:
    account, dice = await stack.account(), random.Random(SEED)
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        with sync_worlds.of(account, checked=False) as world, closing(_server(stack, account)) as api:
            slow = SlowWriter(connection, account, dice)
            for number in range(SYNC_INTERLEAVINGS):
                await asyncio.gather(
                    slow.write(),
                    _late(dice, api.call, "/user/message/insert", {"address": "+436990000001", "message": str(number)}),
                    *(_late(dice, world.phones[phone].sync) for phone in range(2)),
                )
            await asyncio.to_thread(world.finish)
    finally:
        await connection.close()


async def _late(dice: random.Random, function: Callable[..., object], *arguments: Any) -> None:
    """Call it within the time of a slow transaction."""
    await asyncio.sleep(dice.random() * 0.03)
    await asyncio.to_thread(function, *arguments)


async def test_a_device_far_behind_catches_up(servers: Servers, stack: Stack) -> None:
    account = await stack.account()
    with closing(_server(stack, account)) as server:
        pages: list[Tree] = []

        def call(path: str, fields: Tree) -> Tree:
            pages.append(server.call(path, fields))
            return pages[-1]

        device = server.call("/user/device/create", {})["deviceId"]
        await fill(servers, account, BEHIND, "+436990000001", many=False, characters=50)
        phone, began = SyncClient(call, device, Store(), limit=PAGE), time.monotonic()
        await asyncio.to_thread(phone.catch_up)
        took = time.monotonic() - began
    print(f"{BEHIND} changes in {took:.2f} s")
    assert [len(page["syncs"]) for page in pages] == [PAGE] * (BEHIND // PAGE) + [0, 0]
    assert sorted(phone.store.pairs) == list(range(1, BEHIND + 1))
    assert took < CAUGHT_UP_SECONDS


async def test_pages_of_long_texts_come_within_the_budget(servers: Servers, stack: Stack) -> None:
    account = await stack.account()
    with closing(_server(stack, account)) as server:
        device = server.call("/user/device/create", {})["deviceId"]
        await fill(servers, account, LONG, "+436990000001", many=False, characters=7_750)
        phone = SyncClient(server.call, device, Store(), limit=PAGE)
        await asyncio.to_thread(phone.catch_up)
    assert sorted(phone.store.pairs) == list(range(1, LONG + 1))


async def test_a_phone_tells_long_texts_in_several_calls(stack: Stack) -> None:
    account = await stack.account()
    with closing(_server(stack, account)) as server:
        phone = Phone(server.call, server.call("/user/device/create", {})["deviceId"])
        for _ in range(CHANGES_AT_ONCE):
            phone.receive("+436990000001", "\u00fc" * 7_750)
        await asyncio.to_thread(phone.catch_up)
    assert sorted(phone.store.pairs) == list(range(1, CHANGES_AT_ONCE + 1))


def _server(stack: Stack, account: Account) -> Server:
    return Server(stack.base_url, stack.api_key, account.auth_token)
