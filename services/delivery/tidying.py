"""Tidying: submissions of which nobody knows, receipts that are early or missing, and what is old."""

import asyncio
from collections.abc import Callable

from services.delivery import measures
from services.delivery.carriers.carrier import Unknown
from services.delivery.concluding import Concluding
from services.delivery.conclusions import Sent
from services.delivery.jobs import Lost
from services.delivery.reach import Carriers
from services.delivery.store import Store
from shared.postgres.errors import DatabaseError

_MOST = 500
_SECONDS = 1.0
# Longer than it takes to notice that the database is back, and to keep what waits for it.
_BACK_SECONDS = 10.0
_SWEEP_SECONDS = 60.0
# Where there is more to sweep, which takes as long.
_SWEEP_REST_SECONDS = 0.05
_EXPIRE_SECONDS = 10.0
_MEASURE_SECONDS = 5.0
_MOST_COUNTED = 10_000
# What was said before that is another message.
_HEARD_MS = 600_000
_UNMATCHED_MS = 72 * 3_600_000


class Tidying:
    """Rounds of what every worker does now and then; several may do so side by side. All raise `DatabaseError`."""

    def __init__(
        self, store: Store, carriers: Carriers, concluding: Concluding, ended: Callable[[], None], *, history_ms: int
    ) -> None:
        self._store = store
        self._carriers = carriers
        self._concluding = concluding
        self._ended = ended
        self._history_ms = history_ms
        self._was_away = False

    async def recover(self) -> float:
        """Give up submissions whose worker is gone, or of which nothing came in the time that they had."""
        if not self._carriers.has_file:
            return _SECONDS
        try:
            stale = await self._store.stale(_MOST)
        except DatabaseError:
            self._was_away = True
            raise
        if self._was_away:
            # All leases may have run out meanwhile, and their workers have still to say what they know.
            self._was_away = False
            return _BACK_SECONDS
        await asyncio.gather(*(self._give_up(lost) for lost in stale))
        return 0.0 if len(stale) == _MOST else _SECONDS

    async def _give_up(self, lost: Lost) -> None:
        job, carrier, was_unknown = lost
        unanswered = self._carriers.unanswered(carrier, job.recipient, job.sender)
        sent = Sent(job, carrier, gives_receipts=False, unanswered=unanswered, was_unknown=was_unknown)
        reason = "nothing more was heard of it" if was_unknown else "its worker is gone"
        await self._concluding.conclude(sent, Unknown(reason), is_answer=False)

    async def receipts(self) -> float:
        """Match receipts that were too early."""
        matched = await self._store.match_parked(_MOST)
        if matched:
            self._ended()
        return 0.0 if matched == _MOST else _SECONDS

    async def overdue(self) -> float:
        """End jobs whose receipts did not come."""
        missing = await self._store.overdue(_MOST)
        measures.missing_receipts(missing)
        if missing:
            self._ended()
        return 0.0 if missing == _MOST else _SECONDS

    async def expire(self) -> float:
        """End what is too late for a carrier that is not open here: what is claimed ends by its claim."""
        for name in self._carriers.names:
            carrier = self._carriers.carrier(name)
            if carrier is not None and not carrier.open:
                await self._store.expire(name, _MOST)
                self._ended()
        return _EXPIRE_SECONDS

    async def measure(self) -> float:
        """Tell the metrics what is due, and what else there is to do."""
        due = await self._store.backlog(_MOST_COUNTED)
        measures.backlog(due, await self._store.oldest_due(due, _MOST_COUNTED))
        measures.jobs(await self._store.states(_MOST_COUNTED))
        return _MEASURE_SECONDS

    async def sweep(self) -> float:
        """Delete what is old."""
        swept = await self._store.sweep(self._history_ms, _UNMATCHED_MS, _MOST)
        measures.dropped_receipts(swept.receipts)
        forgotten = await self._store.forget_heard(_HEARD_MS, _MOST)
        return _SWEEP_REST_SECONDS if _MOST in (*swept, forgotten) else _SWEEP_SECONDS
