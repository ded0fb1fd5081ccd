"""How the index follows what is written at the full rate of inserts, and how soon one is found at half of it."""

import asyncio
import secrets
import time
from statistics import median, quantiles

import aiohttp
import asyncpg

from shared.contract.messages import INSERT
from shared.contract.search import SEARCH
from tests.bench.load import closed_loop
from tests.bench.search.calls import Calls, dealt, succeeded
from tests.bench.search.mailboxes import ACCOUNTS

WRITERS = 64
_GOAL_SECONDS = 2.0
_CAUGHT_UP_SECONDS = 300.0
_PROBES = 40
_LOOK_SECONDS = 0.02
_ADDRESS = "+436990000001"
_TEXT = "The quick brown fox jumps over the lazy dog, again and again."
_STORED = "select count(*) from message where not deleted"


async def measure(calls: Calls, seconds: float) -> None:
    """Print how far behind the index is at full load, and how soon what is written is found at half load."""
    rate = await _full(calls, seconds)
    await _half(calls, rate / 2)


async def _full(calls: Calls, seconds: float) -> float:
    """Return the rate of inserts."""
    found = await closed_loop(calls.service.port, _inserts(calls), seconds, succeeded)
    late = await _caught_up(calls)
    indexed = len(found.latencies) / (found.seconds + late)
    print(
        f"  inserts {found.rate:.0f}/s, all found {late:.2f} s behind the last: indexed {indexed:.0f}/s;"
        f" goal at most {_GOAL_SECONDS:g} s behind: {_verdict(late)}",
        flush=True,
    )
    return found.rate


async def _half(calls: Calls, rate: float) -> None:
    stop = asyncio.Event()
    load = asyncio.create_task(_until(stop, calls, rate))
    async with aiohttp.ClientSession() as session:
        delays = [await _delay(calls, session, nth % ACCOUNTS) for nth in range(_PROBES)]
    stop.set()
    await load
    print(
        f"  found at {rate:.0f} inserts/s: median {median(delays):.2f} s, p90 {quantiles(delays, n=10)[-1]:.2f} s,"
        f" slowest {max(delays):.2f} s of {_PROBES}; goal {_GOAL_SECONDS:g} s: {_verdict(max(delays))}",
        flush=True,
    )


async def _until(stop: asyncio.Event, calls: Calls, rate: float) -> None:
    while not stop.is_set():
        await closed_loop(calls.service.port, _inserts(calls), 1.0, succeeded, rate=rate)


async def _delay(calls: Calls, session: aiohttp.ClientSession, account: int) -> float:
    """Return the seconds from the answer that stored a message to the one that finds it."""
    word = secrets.token_hex(8)
    await calls.answer(session, INSERT.path or "", account, address=_ADDRESS, message=word)
    began = time.monotonic()
    while not (await calls.answer(session, SEARCH.path or "", account, query=word))["messages"]:  # noqa: ASYNC110 - asked over HTTP
        await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def _caught_up(calls: Calls) -> float:
    """Wait until the index has as many messages as the mailboxes; return the seconds that took."""
    began = time.monotonic()
    connection = await asyncpg.connect(calls.service.environment["DATABASE_URL"])
    try:
        stored = await connection.fetchval(_STORED)
    finally:
        await connection.close()
    async with aiohttp.ClientSession() as session, asyncio.timeout(_CAUGHT_UP_SECONDS):
        while True:
            async with session.get(f"{calls.index_url}/_count") as response:
                if (await response.json())["count"] >= stored:
                    return time.monotonic() - began
            await asyncio.sleep(_LOOK_SECONDS)


def _inserts(calls: Calls) -> list[list[bytes]]:
    path = INSERT.path or ""
    return dealt([calls.post(path, each, address=_ADDRESS, message=_TEXT) for each in range(ACCOUNTS)], WRITERS)


def _verdict(seconds: float) -> str:
    return "reached" if seconds <= _GOAL_SECONDS else "missed"
