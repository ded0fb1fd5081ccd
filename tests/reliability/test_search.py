"""The index ends up with what the mailboxes have, whatever dies meanwhile, and nobody else waits for it."""

import asyncio
import itertools
import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.servers import Servers
from shared.bus.depths import depth
from shared.bus.link import connected
from shared.bus.topology import SEARCH_DELETIONS, SEARCH_EVENTS
from tests.apart import place_of_its_own
from tests.integration.terminal import Terminal
from tests.reliability.client import Client, Outcome
from tests.reliability.search_echoes import Echoes
from tests.reliability.search_load import SearchLoad
from tests.reliability.settings import (
    FRESH_MESSAGES,
    HELD_BACK_SECONDS,
    INDEX_AWAY_SECONDS,
    RATE_SECONDS,
    REBUILDS,
    SEARCH_KILLS,
    SEARCH_OPERATIONS,
    SEED,
)
from tests.running import Account, Stack
from tests.servers import PreparedServer

SEARCH, INSERT = "/user/message/search", "/user/message/insert"
ACCOUNTS = 24
# At full speed they leave nothing to an OpenSearch that starts beside them.
PAUSE = 0.1
POINTS = ("search.read", "search.written", "subscriber.received", "subscriber.handled")
# The goals are 2 s, and the budget of 5 s.
FRESH_SECONDS = 10.0
ANSWER_SECONDS = 25.0
CAUGHT_UP_SECONDS = 300.0


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks be impatient, for they are repeated until nothing differs."""
    monkeypatch.setattr("services.search.check.SETTLE_SECONDS", 1.0)


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
    return SearchLoad(client, await service.accounts(ACCOUNTS), seed=SEED, pause=PAUSE)


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
    assert found["compared"] > SEARCH_OPERATIONS / 20
    assert await waiting_dead(place["AMQP_URL"]) == 0


async def test_a_rebuild_under_load_loses_nothing_and_fails_no_query(
    service: Stack, client: Client, load: SearchLoad
) -> None:
    reader = await service.account()
    await stored(client, reader, "needle in a haystack")
    await found(client, reader, "needle")
    terminal = Terminal(dict(service.settings_env))
    finished = asyncio.Event()

    async def queries() -> int:
        for number in itertools.count(1):
            answer = await client.call(reader, SEARCH, query="needle")
            assert (answer["errorCode"], len(answer["messages"])) == (0, 1), answer
            if finished.is_set():
                return number
        return 0

    async with load.going_on():
        asking = asyncio.create_task(queries())
        for _ in range(REBUILDS):
            done = await asyncio.to_thread(terminal.run, "search", "rebuild", "--json")
            assert done.returncode == 0, done.stderr
        finished.set()
        asked = await asking
    await caught_up(service)
    print(f"{REBUILDS} rebuilds beside {load.operations} writes and {asked} queries: {done.stdout.strip()}")


async def test_nobody_waits_for_an_index_that_is_away(
    service: Stack, client: Client, opensearch: PreparedServer
) -> None:
    reader = await service.account()
    load = SearchLoad(client, await service.accounts(ACCOUNTS), seed=SEED, pause=0.0)
    async with load.going_on():
        before = await rate(load)
        await asyncio.to_thread(opensearch.kill)
        meanwhile, answers = await asyncio.gather(rate(load), while_away(client, reader))
        message_id = await stored(client, reader, "written meanwhile")
    await asyncio.to_thread(opensearch.start)
    began = time.monotonic()
    assert await found(client, reader, "meanwhile") == [message_id]
    seconds = time.monotonic() - began
    await caught_up(service)
    print(f"{before:.0f} writes/s, without OpenSearch {meanwhile:.0f}/s; search answered 99 after {max(answers):.2f} s "
          f"at the latest; found {seconds:.2f} s after its return")  # fmt: skip
    assert load.outcomes[Outcome.UNKNOWN] == 0
    assert meanwhile > before / 2
    assert max(answers) < ANSWER_SECONDS


async def test_a_message_is_found_soon(service: Stack, client: Client, load: SearchLoad) -> None:
    writer = await service.account()
    delays = []
    async with load.going_on():
        for number in range(FRESH_MESSAGES):
            await stored(client, writer, f"fresh{number}")
            began = time.monotonic()
            await found(client, writer, f'"fresh{number}"')
            delays.append(time.monotonic() - began)
    delays.sort()
    median, latest = delays[len(delays) // 2], delays[-1]
    print(f"{FRESH_MESSAGES} messages under load: found after {median:.2f} s, at most {latest:.2f} s")
    assert latest < FRESH_SECONDS


async def rate(load: SearchLoad) -> float:
    """Return how many writes a second there are."""
    before, began = load.operations, time.monotonic()
    await asyncio.sleep(RATE_SECONDS)
    return (load.operations - before) / (time.monotonic() - began)


async def while_away(client: Client, account: Account) -> list[float]:
    """Search again and again, and return the seconds until each 99."""
    end = time.monotonic() + RATE_SECONDS
    seconds: list[float] = []
    while not seconds or time.monotonic() < end:
        began = time.monotonic()
        assert await client.call(account, SEARCH, query="word") == {"errorCode": 99}
        seconds.append(time.monotonic() - began)
        await asyncio.sleep(0.1)
    return seconds


async def stored(client: Client, account: Account, text: str) -> int:
    answer = await client.call(account, INSERT, address="+436990000001", message=text)
    assert answer["errorCode"] == 0
    return int(answer["messageId"])


async def found(client: Client, account: Account, query: str) -> list[int]:
    """Wait until a query finds something."""
    async with asyncio.timeout(60):
        while not (answer := await client.call(account, SEARCH, query=query)).get("messages"):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.05)
    return [each["messageId"] for each in answer["messages"]]


async def waiting_dead(amqp_url: str) -> int:
    """Return how many dead letters there are."""
    async with connected(amqp_url, "test") as session:
        found = [await depth(session, queue.dead) for queue in (SEARCH_EVENTS, SEARCH_DELETIONS)]
    return sum(each.messages or 0 for each in found)
