"""Search, measured: against the same queries straight at OpenSearch, and how soon what is written is found."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import orjson

from services.accounts.administering import administering
from services.search.index import Wanted
from services.search.opensearch import asking
from services.search.opensearch.index import ALIAS
from services.search.query import parse
from shared.contract.messages import INSERT
from shared.contract.search import SEARCH
from shared.settings import Settings
from tests.bench.load import Figures, closed_loop, post
from tests.bench.paths import ROOT
from tests.bench.search.mailboxes import ACCOUNTS, fill
from tests.bench.search.queries import LIMIT, Asked, mix
from tests.bench.stack import Service

CONNECTIONS, WRITERS = 16, 64
_GOAL_MS, _GOAL_SECONDS = 2.0, 2.0
_CAUGHT_UP_SECONDS = 300.0
_PROBES = 40
_TEXT = "The quick brown fox jumps over the lazy dog, again and again."


class _Subject(NamedTuple):
    """Something that answers queries."""

    name: str
    port: int
    requests: Sequence[Sequence[bytes]]
    mark: bytes

    async def run(self, seconds: float, rate: float = 0.0) -> Figures:
        return await closed_loop(self.port, self.requests, seconds, lambda body: self.mark in body, rate=rate)


class Measuring:
    """One run, on the stack of the bench."""

    def __init__(self, service: Service, tokens: Sequence[str], account_ids: Sequence[int]) -> None:
        self._service = service
        self._tokens = tokens
        self._account_ids = account_ids

    def subjects(self, queries: Sequence[Asked]) -> tuple[_Subject, _Subject]:
        """Return OpenSearch itself and the service."""
        url = self._service.environment["OPENSEARCH_URL"]
        straight = [post(*self._straight(url, each)) for each in queries]
        asked = [self._post(SEARCH.path, each.account, query=each.query, limit=LIMIT, **_address(each)) for each in queries]
        port = urlsplit(url).port
        assert port is not None
        return (
            _Subject("OpenSearch", port, _dealt(straight, CONNECTIONS), b'"timed_out":false'),
            _Subject("usermessage", self._service.port, _dealt(asked, CONNECTIONS), b'{"errorCode":0'),
        )

    async def rates(self, queries: Sequence[Asked], rounds: int, seconds: float) -> None:
        """Print rates at full load, and latencies of both at half of what the service reached."""
        subjects = self.subjects(queries)
        for each in subjects:
            await each.run(seconds)
        full = [[await each.run(seconds) for each in subjects] for _ in range(rounds)]
        for nth, each in enumerate(subjects):
            _show(each.name, [found[nth] for found in full])
        half = median(found[1].rate for found in full) / 2
        paced = [[await each.run(seconds, half) for each in subjects] for _ in range(rounds)]
        print(f"  at {half:.0f}/s, half of that:")
        for nth, each in enumerate(subjects):
            _show(each.name, [found[nth] for found in paced])
        more = [ours.percentile(50) - theirs.percentile(50) for theirs, ours in paced]
        listed = " ".join(f"{each:.2f}" for each in more)
        verdict = "reached" if median(more) <= _GOAL_MS else "missed"
        print(f"  p50 above OpenSearch's: {median(more):.2f} ms  ({listed}); goal {_GOAL_MS:g} ms: {verdict}")

    async def indexing(self, seconds: float) -> float:
        """Print how fast the index follows inserts at full load; return the rate of inserts."""
        found = await closed_loop(self._service.port, self._inserts(), seconds, lambda body: b'{"errorCode":0' in body)
        late = await self._caught_up()
        rate, indexed = found.rate, len(found.latencies) / (found.seconds + late)
        verdict = "reached" if late <= _GOAL_SECONDS else "missed"
        print(f"  inserts {rate:.0f}/s, all found {late:.2f} s behind the last: indexed {indexed:.0f}/s; goal the same rate,"
              f" so at most {_GOAL_SECONDS:g} s behind: {verdict}")  # fmt: skip
        return rate

    async def freshness(self, rate: float) -> None:
        """Print how soon a message is found while others are inserted at a rate."""
        load = closed_loop(self._service.port, self._inserts(), _PROBES * 0.25, lambda body: b'{"errorCode":0' in body, rate=rate)
        running = asyncio.create_task(load)
        async with aiohttp.ClientSession() as session:
            delays = [await self._delay(session, nth % ACCOUNTS) for nth in range(_PROBES)]
        figures = await running
        slowest = max(delays)
        verdict = "reached" if slowest <= _GOAL_SECONDS else "missed"
        print(f"  found at {figures.rate:.0f} inserts/s: median {median(delays):.2f} s, p90 {quantiles(delays, n=10)[-1]:.2f} s,"
              f" slowest {slowest:.2f} s of {_PROBES}; goal {_GOAL_SECONDS:g} s: {verdict}")  # fmt: skip

    async def _delay(self, session: aiohttp.ClientSession, account: int) -> float:
        word = secrets.token_hex(8)
        await self._call(session, INSERT.path, account, address="+436990000001", message=word)
        began = time.monotonic()
        while not (await self._call(session, SEARCH.path, account, query=word))["messages"]:
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def _call(self, session: aiohttp.ClientSession, path: str, account: int, **fields: object) -> dict[str, list[object]]:
        url = f"http://127.0.0.1:{self._service.port}/json{path}"
        async with session.post(url, json={**self._secrets(account), **fields}) as response:
            answer: dict[str, list[object]] = await response.json()
        assert answer["errorCode"] == 0, answer
        return answer

    async def _caught_up(self) -> float:
        """Wait until the index has as many messages as the mailboxes; return the seconds that took."""
        began = time.monotonic()
        url = self._service.environment["OPENSEARCH_URL"]
        connection = await asyncpg.connect(self._service.environment["DATABASE_URL"])
        try:
            stored = await connection.fetchval("select count(*) from message where not deleted")
        finally:
            await connection.close()
        async with aiohttp.ClientSession() as session, asyncio.timeout(_CAUGHT_UP_SECONDS):
            while True:
                async with session.get(f"{url}/{ALIAS}/_count") as response:
                    if (await response.json())["count"] >= stored:
                        return time.monotonic() - began
                await asyncio.sleep(0.05)

    def _inserts(self) -> list[list[bytes]]:
        each = [self._post(INSERT.path, account, address="+436990000001", message=_TEXT) for account in range(ACCOUNTS)]
        return _dealt(each, WRITERS)

    def _post(self, path: str, account: int, **fields: object) -> bytes:
        body = json.dumps({**self._secrets(account), **fields}).encode()
        return post(f"http://127.0.0.1:{self._service.port}/json{path}", body)

    def _secrets(self, account: int) -> dict[str, str]:
        return {"apiKey": self._service.api_key, "authToken": self._tokens[account]}

    def _straight(self, url: str, asked: Asked) -> tuple[str, bytes]:
        account_id = self._account_ids[asked.account]
        wanted = Wanted(account_id, parse(asked.query), asked.address, locked=False)
        (part,) = asking.parts(wanted.query)
        return f"{url}/{ALIAS}/_search?routing={account_id}", orjson.dumps(asking.page(wanted, part, None, LIMIT))


async def measure(service: Service, api_key_id: int, rounds: int, seconds: float) -> None:
    """Fill the mailboxes, index them, and print all figures."""
    settings = Settings.from_environment(service.environment)
    tokens = [secrets.token_hex(16) for _ in range(ACCOUNTS + 1)]
    async with administering(settings) as administration:
        account_ids = await administration.create_accounts([(None, None)] * len(tokens), tokens, api_key_id)
    sample = await fill(settings.database_url, account_ids)
    print(f"\nsearch: {ACCOUNTS} accounts and a large one; {CONNECTIONS} connections, {rounds} rounds of {seconds:g} s each")
    await asyncio.to_thread(_rebuild, service)
    measuring = Measuring(service, tokens, account_ids)
    await measuring.rates(mix(sample), rounds, seconds)
    inserts = await measuring.indexing(2 * seconds)
    await measuring.freshness(inserts / 2)


def _rebuild(service: Service) -> None:
    command = [sys.executable, "-m", "services.cli", "search", "rebuild"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **service.environment}, check=True, capture_output=True, text=True)
    print("  rebuilt: " + (done.stderr or done.stdout).splitlines()[-1])


def _address(asked: Asked) -> dict[str, str]:
    return {} if asked.address is None else {"address": asked.address}


def _dealt(requests: Sequence[bytes], connections: int) -> list[list[bytes]]:
    return [list(requests[place::connections]) for place in range(connections)]


def _show(name: str, found: Sequence[Figures]) -> None:
    rate, p50, p99 = (median(each) for each in zip(*((f.rate, f.percentile(50), f.percentile(99)) for f in found), strict=True))
    wrong = sum(each.refused + each.lost for each in found)
    print(f"  {name:14} {rate:8.0f}/s  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms{f'  WRONG {wrong}' if wrong else ''}")
