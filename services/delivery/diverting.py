"""Diverting: what waits for a carrier that is away goes to another one of its route."""

import asyncio
from collections.abc import Callable, Collection

from services.delivery import measures
from services.delivery.jobs import Standing
from services.delivery.reach import Carriers
from services.delivery.store import Store

_LOOK_SECONDS = 5.0
# Three looks: one of them may be late.
_SILENCE_MS = 15_000
_MOST = 500
# Where there is more, which takes as long.
_REST_SECONDS = 0.05


class Diverting:
    """Tells other workers which carriers are open here and `took` something, and diverts what waits for those away.

    A carrier is away when no worker has it open, or when it made workers wait and nothing was taken since. What it gets
    meanwhile is still tried with it, where it is not held, so that it is known when it is back.
    """

    def __init__(
        self, store: Store, carriers: Carriers, *, took: Callable[[], Collection[str]], diverted: Callable[[], None]
    ) -> None:
        self._store = store
        self._carriers = carriers
        self._took = took
        self._diverted = diverted
        self._since: dict[str, float] = {}
        self._places: dict[str, tuple[int, int]] = {}

    async def round(self) -> float:
        """Look which carriers are away; return the seconds until the next look. Raise `DatabaseError`."""
        names = self._carriers.names
        took = self._took()
        await self._store.seen([name for name in names if name in took or self._is_open(name)], took)
        away = await self._store.away(names, _SILENCE_MS)
        now = asyncio.get_running_loop().time()
        self._since = {name: self._since.get(name, now) for name in away}
        if len(away) == len(names):
            return _LOOK_SECONDS
        left = [name for name, since in self._since.items() if now - since >= self._carriers.fallback_after(name)]
        more = [await self._divert(name, away) for name in left]
        return _REST_SECONDS if any(more) else _LOOK_SECONDS

    def _is_open(self, name: str) -> bool:
        carrier = self._carriers.carrier(name)
        return carrier is not None and carrier.open

    async def _divert(self, name: str, away: Collection[str]) -> bool:
        """Divert some jobs of a carrier; return whether there are more."""
        jobs = await self._store.standing(name, *self._places.pop(name, (0, 0)), _MOST)
        others = [(job, other) for job in jobs if (other := self._other(job, away))]
        diverted = await self._store.divert(name, others)
        if diverted:
            measures.diverted(name, diverted)
            self._diverted()
        if len(jobs) < _MOST:
            return False
        # Those that no other carrier takes stay where they are.
        self._places[name] = jobs[-1].account_id, jobs[-1].due_at
        return True

    def _other(self, job: Standing, away: Collection[str]) -> str | None:
        return self._carriers.routes.choose(job.recipient, job.sender, away)
