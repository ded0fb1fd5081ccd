"""The index ends up with what the mailboxes have, whatever dies meanwhile, and nobody else waits for it."""

import asyncio
import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.servers import Servers
from tests.apart import place_of_its_own
from tests.integration.terminal import Terminal
from tests.reliability.client import Client, Outcome
from tests.reliability.search_echoes import Echoes
from tests.reliability.search_load import SearchLoad
from tests.reliability.settings import (
    HELD_BACK_SECONDS,
    INDEX_AWAY_SECONDS,
    SEARCH_KILLS,
    SEARCH_OPERATIONS,
    SEED,
)
from tests.running import Stack
from tests.servers import PreparedServer

SEARCH, INSERT = "/user/message/search", "/user/message/insert"
ACCOUNTS = 24
POINTS = ("search.read", "search.written", "subscriber.received", "subscriber.handled")
# The goals are 2 s, and the budget of 5 s.
FRESH_SECONDS = 10.0
ANSWER_SECONDS = 25.0
CAUGHT_UP_SECONDS = 300.0


@pytest.fixture(scope="module")
async def place(servers: Servers) -> AsyncIterator[dict[str, str]]:
    """Yield the settings of a service of this module's own: others leave what only they know in the shared one."""
    async with place_of_its_own(servers) as settings:
        yield {**settings, "OPENSEARCH_INDEX": f"reliability-{secrets.token_hex(4)}"}


@pytest.fixture(scope="module")
def service(servers: Servers, opensearch: PreparedServer, place: dict[str, str], run_folder: Path) -> Iterator[Stack]:
    stack = Stack(servers, run_folder / "search", place, counts={"search": 2}, opensearch_url=opensearch.url)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
async def client(service: Stack) -> AsyncIterator[Client]:
    async with Client(service.base_url, service.api_key) as client:
        yield client


@pytest.fixture
async def load(service: Stack, client: Client) -> SearchLoad:
    return SearchLoad(client, await service.accounts(ACCOUNTS), seed=SEED)


async def differences(service: Stack) -> dict[str, Any]:
    """Return what a check finds, which repairs nothing."""
    terminal = Terminal(dict(service.settings_env))
    done = await asyncio.to_thread(terminal.run, "search", "check", "--full", "--no-repair", "--json")
    return dict(json.loads(done.stdout)) if done.stdout else {"left": done.stderr}


async def caught_up(service: Stack) -> float:
    """Wait until the index is what the mailboxes are; return the seconds it took."""
    began = time.monotonic()
    while (found := await differences(service))["left"]:
        assert time.monotonic() - began < CAUGHT_UP_SECONDS, f"{found}\n{service.tails()}"
    return time.monotonic() - began


async def test_it_converges(
    service: Stack, load: SearchLoad, opensearch: PreparedServer, place: dict[str, str], tmp_path: Path
) -> None:
    echoes = Echoes(place["DATABASE_URL"], place["AMQP_URL"], held_back=HELD_BACK_SECONDS, seed=SEED)
    dice = random.Random(SEED)
    async with echoes.sounding(), load.going_on():
        await load.until(SEARCH_OPERATIONS // 3)
        for nth in range(SEARCH_KILLS):
            point = POINTS[nth % len(POINTS)]
            dying = service.another("search", {"FAILPOINTS": f"{point}=kill@{dice.randrange(1, 8)}"}, tmp_path)
            await asyncio.to_thread(dying.process.start)
            await asyncio.to_thread(dying.process.wait_gone)
        await asyncio.to_thread(opensearch.kill)
        await asyncio.sleep(INDEX_AWAY_SECONDS)
        await asyncio.to_thread(opensearch.start)
        await load.until(SEARCH_OPERATIONS)
    seconds = await caught_up(service)
    found = await differences(service)
    counts = {outcome.value: load.outcomes[outcome] for outcome in Outcome}
    print(f"seed {SEED}: {counts}, {echoes.published} events again, {SEARCH_KILLS} killed, OpenSearch away for "
          f"{INDEX_AWAY_SECONDS:.0f} s; caught up after {seconds:.1f} s: {found}")  # fmt: skip
    assert found["compared"] > SEARCH_OPERATIONS / 10
    assert await waiting_dead(place["AMQP_URL"]) == 0
