"""Slow searches of one account hold up neither those of others nor what came with them."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest

from services.search.handlers import Search, routes
from services.search.index import Hit, Index, Wanted
from services.search.query import Query
from services.search.share import Shares
from shared.bus.envelope import PARKED, Command, Reply
from shared.bus.running import Runner
from shared.contract.faults import Fault, Refused
from shared.contract.operation import Identity
from shared.contract.search import SEARCH
from shared.mailbox.indexing import Indexing

BUSY, OTHER = 1, 2
RUNNING, WAITING = 2, 16


class SlowIndex:
    """Answers the busy account when it is told to, and others at once; counts what runs."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.running = 0
        self.most = 0

    def is_exact(self, _: Query) -> bool:
        return True

    async def find(self, wanted: Wanted, _after: Hit | None, _most: int, **_: Any) -> list[Hit]:
        if wanted.account_id != BUSY:
            return []
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go.wait()
        self.running -= 1
        return []


class World:
    """A worker's runner, and the replies of its commands."""

    def __init__(self) -> None:
        self.index = SlowIndex()
        self.replies: list[Reply] = []
        self.waiting: set[asyncio.Task[object]] = set()
        found = routes(Search(cast("Indexing", None), cast("Index", self.index)))
        self._runner = Runner({route.operation.name: route for route in found}, self.waiting, self._room)
        self._ids = iter(range(1, 1000))

    async def envelope(self, *accounts: int) -> None:
        """Run a command of each account, all of one envelope."""
        commands = [self._command(next(self._ids), account) for account in accounts]
        await self._runner.run(commands, time.monotonic(), self.replies.append)

    def codes(self, *but: int) -> list[int]:
        return sorted(reply.code for reply in self.replies if reply.code not in but)

    async def finished(self) -> None:
        self.index.go.set()
        while self.waiting:
            await asyncio.wait(self.waiting)

    async def _room(self) -> None: ...

    def _command(self, number: int, account: int) -> Command:
        return Command(number, SEARCH.name, 5000, Identity(account, 1, None), "", {"query": "word"})


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.search.handlers._SOON_SECONDS", 0.05)


async def test_an_envelope_ends_though_a_search_in_it_takes_long() -> None:
    world = World()
    async with asyncio.timeout(1.0):
        await world.envelope(BUSY, OTHER)
    assert world.codes() == [PARKED, 0]
    await world.finished()
    assert world.codes(PARKED) == [0, 0]


async def test_an_account_has_a_few_searches_at_a_time_and_others_find_room() -> None:
    world = World()
    async with asyncio.timeout(2.0):
        await world.envelope(*[BUSY] * (RUNNING + WAITING))
        await world.envelope(OTHER)
    assert world.codes(PARKED) == [0]
    # Nothing was done of what does not find a place.
    await world.envelope(BUSY, OTHER)
    assert world.codes(PARKED) == [0, 0, Fault.TOO_MANY_REQUESTS]
    await world.finished()
    assert world.codes(PARKED) == [*[0] * (RUNNING + WAITING + 2), Fault.TOO_MANY_REQUESTS]
    assert world.index.most == RUNNING
    await world.envelope(BUSY)
    assert world.codes(PARKED)[-1] == Fault.TOO_MANY_REQUESTS


async def test_who_finds_no_place_for_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.search.share._WAIT_SECONDS", 0.05)
    shares = Shares()
    async with shares.place(BUSY), shares.place(BUSY):
        assert shares.is_taken(BUSY)
        with pytest.raises(Refused) as refused:
            await _use(shares, [BUSY])
        assert refused.value.fault is Fault.TOO_MANY_REQUESTS
        await _use(shares, [OTHER])
    assert not shares.is_taken(BUSY)
    await _use(shares, [BUSY] * RUNNING)


async def _use(shares: Shares, accounts: Sequence[int]) -> None:
    for account in accounts:
        async with shares.place(account):
            pass
