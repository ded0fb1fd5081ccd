"""Submitting: one carrier's jobs go out at its rate, as many at a time as its window holds."""

import asyncio
import logging

from services.delivery import measures
from services.delivery.carriers.carrier import Carrier, Outcome, Refusal, Refused, Unknown
from services.delivery.concluding import Concluding
from services.delivery.conclusions import Sent
from services.delivery.jobs import Claimed
from services.delivery.pause import Pause
from services.delivery.store import Store
from shared import failpoints
from shared.mailbox.upkeep import Upkeep
from shared.postgres.errors import DatabaseError

logger = logging.getLogger(__name__)

_MOST = 100
_POLL_SECONDS = 0.25
# A submission is given up so long before others may take it for lost.
_MARGIN_SECONDS = 5.0


class Submitting:
    """Submits what is due for a carrier. `upkeep` runs its rounds; `drain` ends them."""

    def __init__(
        self, carrier: Carrier, store: Store, concluding: Concluding, *, gives_receipts: bool, lease_seconds: float
    ) -> None:
        self._carrier = carrier
        self._store = store
        self._concluding = concluding
        self._gives_receipts = gives_receipts
        self._lease_seconds = lease_seconds
        self._pause = Pause()
        self._running: set[asyncio.Task[None]] = set()
        self._draining = False
        self.upkeep = Upkeep(f"carrier {carrier.name}", self._round, retry_seconds=1.0)

    async def drain(self) -> None:
        """Take nothing more, and finish what was taken."""
        self._draining = True
        while self._running:
            await asyncio.wait(self._running)

    async def _round(self) -> float:
        """Claim what fits; return the seconds until there may be more."""
        room = min(_MOST, self._carrier.window - len(self._running))
        if self._draining or room <= 0:
            return _POLL_SECONDS
        lease = round(1000 * self._lease_seconds)
        jobs = await self._store.claim(self._carrier.name, room, self._carrier.rate, lease)
        for job in jobs:
            measures.late(self._carrier.name, job.due_at)
            task = asyncio.create_task(self._submit(job))
            self._running.add(task)
            task.add_done_callback(self._ended)
        # Some, but not all that fit: the rate may let more through in a moment.
        return min(_POLL_SECONDS, 1 / self._carrier.rate) if jobs else _POLL_SECONDS

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.upkeep.wake()

    async def _submit(self, job: Claimed) -> None:
        await failpoints.reached("delivery.claimed")
        outcome = await self._outcome(job)
        await failpoints.reached("delivery.submitted")
        sent = Sent(job, self._carrier.name, self._gives_receipts, self._carrier.unknown_policy)
        try:
            await self._hold(outcome)
            await self._concluding.conclude(sent, outcome)
        except Exception:
            # A bug of ours. The job is then one of which nobody knows what became.
            logger.exception("what became of a submission is lost", extra={"carrier": self._carrier.name})

    async def _outcome(self, job: Claimed) -> Outcome:
        try:
            async with asyncio.timeout(max(self._lease_seconds - _MARGIN_SECONDS, self._lease_seconds / 2)):
                return await self._carrier.submit(job.submission())
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception:
            logger.exception("carrier failed", extra={"carrier": self._carrier.name})
            return Unknown("the carrier's code failed")

    async def _hold(self, outcome: Outcome) -> None:
        seconds = self._pause.after(outcome)
        if not seconds:
            return
        if isinstance(outcome, Refused) and outcome.kind is Refusal.ACCOUNT:
            logger.error("carrier refuses our account", extra={"carrier": self._carrier.name, "reason": outcome.reason})
        try:
            await self._store.hold(self._carrier.name, round(1000 * seconds))
        except DatabaseError as error:
            logger.warning("carrier not held", extra={"carrier": self._carrier.name, "reason": error.reason})
