"""Diverting: what waits for a carrier that is away goes to another one of its route."""

import asyncio
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby

from services.delivery import measures
from services.delivery.jobs import Standing
from services.delivery.reach import Carriers
from services.delivery.store import Store

_LOOK_SECONDS = 5.0
# Three looks: one of them may be late.
_SILENCE_MS = 15_000
# Longer than it takes to see once more that nothing can be brought to a carrier.
_REST_MS = 30_000
_MOST = 1000
_MOST_ACCOUNTS = 100
_MOST_COUNTED = 10_000
# Where there is more, which takes as long.
_AGAIN_SECONDS = 0.1


class Diverting:
    """Tells other workers which carriers are open here and `took` something, and diverts what waits for those away.

    A carrier is away when no worker has it open, or when it makes workers wait and takes nothing. What it gets
    meanwhile is still tried with it, where it is not held, so that it is known when it is back. Others get no more than
    they can take soon: what is left goes by whoever is free first.
    """

    def __init__(
        self, store: Store, carriers: Carriers, *, took: Callable[[], Collection[str]], diverted: Callable[[], None]
    ) -> None:
        self._store = store
        self._carriers = carriers
        self._took = took
        self._diverted = diverted
        self._next_look = 0.0
        self._since: dict[str, float] = {}
        self._last_accounts: dict[str, int] = {}
        self._skips: dict[tuple[str, int], int] = {}

    async def round(self) -> float:
        """Look which carriers are away, and divert some jobs; return the seconds until the next round.

        Raise `DatabaseError`.
        """
        now = asyncio.get_running_loop().time()
        if now >= self._next_look:
            await self._look(now)
            self._next_look = now + _LOOK_SECONDS
        left = [name for name, since in self._since.items() if now - since >= self._carriers.fallback_after(name)]
        room = await self._room() if left else {}
        more = [await self._divert(name, room) for name in left if any(room.values())]
        return _AGAIN_SECONDS if any(more) else _LOOK_SECONDS

    async def _look(self, now: float) -> None:
        names = self._carriers.names
        took = self._took()
        await self._store.seen([name for name in names if name in took or self._is_open(name)], took)
        away = await self._store.away(names, _SILENCE_MS, _REST_MS)
        self._since = {name: self._since.get(name, now) for name in away}
        self._skips = {key: skip for key, skip in self._skips.items() if key[0] in away}

    def _is_open(self, name: str) -> bool:
        carrier = self._carriers.carrier(name)
        return carrier is not None and carrier.open

    async def _room(self) -> dict[str, int]:
        """Return how many more jobs each carrier that is not away takes in the time of two looks."""
        present = [each for name in self._carriers.names if (each := self._carriers.carrier(name))]
        takes = {
            each.name: math.ceil(2 * _LOOK_SECONDS * each.rate) for each in present if each.name not in self._since
        }
        waiting = await self._store.backlog(_MOST_COUNTED) if takes else {}
        return {name: max(0, jobs - waiting.get(name, 0)) for name, jobs in takes.items()}

    async def _divert(self, name: str, room: dict[str, int]) -> bool:
        """Divert some jobs of a carrier, as far as others have `room`; return whether there may be more."""
        accounts = await self._store.turns(name, self._last_accounts.get(name, 0), _MOST_ACCOUNTS)
        if not accounts:
            return False
        share = math.ceil(min(_MOST, sum(room.values())) / len(accounts))
        skips = {account: self._skips.pop((name, account), 0) for account in accounts}
        others: list[tuple[Standing, str]] = []
        for account, jobs in groupby(await self._store.standing(name, skips, share), lambda job: job.account_id):
            found = [(job, self._other(job)) for job in jobs]
            if len(found) == share and not any(other for _, other in found):
                # Those behind them are next.
                self._skips[name, account] = skips[account] + share
            others += _fitting(found, room)
            await asyncio.sleep(0)
        self._last_accounts[name] = others[-1][0].account_id if others else accounts[-1]
        diverted = await self._store.divert(name, others)
        if diverted:
            measures.diverted(name, diverted)
            self._diverted()
        return diverted > 0 and any(room.values())

    def _other(self, job: Standing) -> str | None:
        return self._carriers.routes.choose(job.recipient, job.sender, {*self._since, *job.tried})


def _fitting(found: Iterable[tuple[Standing, str | None]], room: dict[str, int]) -> Iterator[tuple[Standing, str]]:
    for job, other in found:
        if other and room.get(other, 0) > 0:
            room[other] -= 1
            yield job, other
