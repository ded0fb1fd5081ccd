"""Queries to the service and the same queries straight to OpenSearch: at full load, and at half of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from services.search.index import Wanted
from services.search.opensearch import asking
from services.search.query import parse
from shared.contract.search import SEARCH
from tests.bench.cpu import cpu_seconds
from tests.bench.load import closed_loop, post
from tests.bench.results import Result, line, middle, result
from tests.bench.search.calls import Calls, dealt, succeeded
from tests.bench.search.queries import LIMIT, Asked

CONNECTIONS = 16
_GOAL_MS = 2.0


class _Subject(NamedTuple):
    """Something that answers queries, by processes of these names."""

    name: str
    port: int
    requests: Sequence[Sequence[bytes]]
    accept: Callable[[bytes], bool]
    pids: Mapping[str, int]

    async def run(self, seconds: float, rate: float = 0.0) -> Result:
        own, before = time.process_time(), cpu_seconds(self.pids)
        figures = await closed_loop(self.port, self.requests, seconds, self.accept, rate=rate)
        after = cpu_seconds(self.pids)
        costs = {who: after[who] - before[who] for who in self.pids}
        return result(figures, {"bench": time.process_time() - own, **costs})


async def measure(calls: Calls, queries: Sequence[Asked], rounds: int, seconds: float) -> None:
    """Print rates at full load, and latencies at half of what the service reached."""
    subjects = (_straight(calls, queries), _service(calls, queries))
    for subject in subjects:
        await subject.run(seconds)
    full = [[await subject.run(seconds) for subject in subjects] for _ in range(rounds)]
    _show(subjects, full)
    half = median(ours.rate for _, ours in full) / 2
    paced = [[await subject.run(seconds, half) for subject in subjects] for _ in range(rounds)]
    print(f"  at {half:.0f}/s, half of that:")
    _show(subjects, paced)
    above = [ours.p50 - theirs.p50 for theirs, ours in paced]
    listed = " ".join(f"{each:.2f}" for each in above)
    verdict = "reached" if median(above) <= _GOAL_MS else "missed"
    print(f"  p50 above OpenSearch's: {median(above):.2f} ms  ({listed}); goal {_GOAL_MS:g} ms: {verdict}")


def _service(calls: Calls, queries: Sequence[Asked]) -> _Subject:
    requests = [
        calls.post(SEARCH.path or "", each.account, query=each.query, limit=LIMIT, address=each.address)
        for each in queries
    ]
    return _Subject("usermessage", calls.service.port, dealt(requests, CONNECTIONS), succeeded, calls.service.pids)


def _straight(calls: Calls, queries: Sequence[Asked]) -> _Subject:
    requests = [_query(calls.index_url, calls.account_ids[each.account], each) for each in queries]
    port = urlsplit(calls.index_url).port or 0
    pids = {name: pid for name, pid in calls.service.pids.items() if name == "opensearch"}
    return _Subject("OpenSearch", port, dealt(requests, CONNECTIONS), lambda body: b'"hits"' in body, pids)


def _query(index_url: str, account_id: int, asked: Asked) -> bytes:
    wanted = Wanted(account_id, parse(asked.query), asked.address, locked=False)
    (part,) = asking.parts(wanted.query)
    body = orjson.dumps(asking.page(wanted, part, None, LIMIT))
    return post(f"{index_url}/_search?routing={account_id}", body)


def _show(subjects: Sequence[_Subject], found: Sequence[Sequence[Result]]) -> None:
    for subject, rounds in zip(subjects, zip(*found, strict=True), strict=True):
        print(line(subject.name, middle(rounds)), flush=True)
