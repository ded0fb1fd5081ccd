"""Submitting: one carrier's jobs go out at its rate, as many at a time as its window holds."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple

from services.delivery import measures
from services.delivery.carriers.carrier import (
    Carrier,
    Late,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Submission,
    Unanswered,
    Unknown,
)
from services.delivery.concluding import Concluding
from services.delivery.conclusions import Sent
from services.delivery.guards import Check
from services.delivery.jobs import Claimed
from services.delivery.pause import Pause
from services.delivery.quiet_numbers import QuietNumbers
from services.delivery.reach import Ways
from services.delivery.store import Store
from shared import failpoints
from shared.mailbox.upkeep import Upkeep
from shared.postgres.errors import DatabaseError

logger = logging.getLogger(__name__)

_MOST = 100
# Workers of the version before add one to what there is.
_CLAIMS = 2**30
_POLL_SECONDS = 0.25
# What a carrier answers meanwhile makes room for more at once: each look costs as much as ten jobs.
_LOOK_SECONDS = 0.01
# A line in which fewer stood than there is room for is looked at less often, so that some gather.
_GATHER_SECONDS = 0.05
# A submission is given up so long before others may take it for lost.
_MARGIN_SECONDS = 5.0
# Its carrier ends before that: it knows whether anything was written.
_CARRIER_SHARE = 0.9


class _Ready(NamedTuple):
    """A claimed job, what its carrier gets, and until when, by the clock of the loop, its answer is waited for.

    Whether the carrier gives receipts is known from before: it may be gone when it has answered.
    """

    job: Claimed
    submission: Submission
    ends_at: float
    gives_receipts: bool


class Submitting:
    """Submits what is due for the carrier of a name, while there is one; `upkeep` runs its rounds."""

    def __init__(self, name: str, ways: Ways, store: Store, concluding: Concluding, *, lease_seconds: float) -> None:
        self._name = name
        self._carriers, self._guard = ways
        self._store = store
        self._concluding = concluding
        self._lease_seconds = lease_seconds
        self._seconds = max(lease_seconds - _MARGIN_SECONDS, lease_seconds / 2)
        self._pause, self._quiet = Pause(), QuietNumbers()
        self._known = self._carriers.carrier(name)
        self._running: set[asyncio.Task[None]] = set()
        self._listening: set[asyncio.Task[None]] = set()
        self._taken = 0
        self._draining = False
        self._claiming = asyncio.Lock()
        self._unheard: int | None = None
        self._next_look = 0.0
        self.upkeep = Upkeep(f"carrier {name}", self._round, retry_seconds=1.0)

    async def drain(self) -> None:
        """Take nothing more, and finish what was taken."""
        self._draining = True
        # Jobs that were claimed and not started would be taken for lost.
        async with self._claiming:
            pass
        try:
            await self._take_back()
        except DatabaseError as error:
            logger.warning("a claim was not taken back", extra={"carrier": self._name, "reason": error.reason})
        while self._running:
            await asyncio.wait(self._running)
        for task in self._listening:
            # Its time is in the database, for others.
            task.cancel()

    async def _round(self) -> float:
        """Claim what fits; return the seconds until there may be more."""
        await asyncio.sleep(self._next_look - time.monotonic())
        await self._take_back()
        carrier = self._carriers.carrier(self._name)
        room = self._room(carrier)
        if carrier is None or room <= 0:
            return _POLL_SECONDS
        if carrier is not self._known:
            # What the one before it said is not of this one.
            await self._store.release(self._name)
            self._pause, self._quiet, self._known = Pause(), QuietNumbers(), carrier
        async with self._claiming:
            # The lease begins while the database answers.
            since = asyncio.get_running_loop().time()
            jobs = await self._claim(room, carrier.rate)
            self._next_look = time.monotonic() + (_LOOK_SECONDS if len(jobs) == room else _GATHER_SECONDS)
            if jobs:
                self._taken += len(jobs)
                self._start(self._take(jobs, since, carrier.rate))
        # Where there are some the rate may let more through in a moment.
        return min(_POLL_SECONDS, 1 / carrier.rate) if jobs else _POLL_SECONDS

    async def _claim(self, most: int, rate: float) -> list[Claimed]:
        claim = 1 + secrets.randbelow(_CLAIMS)
        try:
            return await self._store.claim(self._name, most, rate, round(1000 * self._lease_seconds), claim)
        except DatabaseError:
            # It may have been made, or may be yet.
            self._unheard = claim
            raise

    async def _take_back(self) -> None:
        if self._unheard is not None:
            await self._store.unclaim(self._name, self._unheard)
            self._unheard = None

    def _room(self, carrier: Carrier | None) -> int:
        """Return how many jobs may be claimed: a carrier's window is full until it answers, not until that is kept."""
        if carrier is None or self._draining or not carrier.open:
            return 0
        return min(_MOST, carrier.window - self._taken, 2 * carrier.window - len(self._running))

    async def _take(self, jobs: Sequence[Claimed], since: float, rate: float) -> None:
        """Submit those of the jobs that may be sent; they are claimed `since` then, at that rate."""
        claimed = [(self._ready(job, since), self._quiet.rest(job.recipient)) for job in jobs]
        ready = [each for each, rest in claimed if not rest]
        refused: list[tuple[_Ready, Refused | NotSent]] = [
            (each, Refused(Refusal.LATER, "its number rests", rest)) for each, rest in claimed if rest
        ]
        for each, reason in zip(ready, await self._refused(ready), strict=True):
            if reason is None:
                self._start(self._submit(each))
            else:
                refused.append((each, reason))
        for each, reason in refused:
            self._start(self._conclude(each, reason, given=False))
            self._freed()
        await self._give_back(len(refused), rate)

    async def _give_back(self, jobs: int, rate: float) -> None:
        try:
            await self._store.give_back(self._name, jobs, rate)
        except DatabaseError as error:
            logger.warning("time of a carrier not given back", extra={"carrier": self._name, "reason": error.reason})

    def _ready(self, job: Claimed, since: float) -> _Ready:
        submission = job.submission(
            self._carriers.sender(self._name, job.sender), since + _CARRIER_SHARE * self._seconds
        )
        return _Ready(job, submission, since + self._seconds, self._carriers.gives_receipts(self._name))

    async def _refused(self, ready: Sequence[_Ready]) -> list[Refused | NotSent | None]:
        """Return for each job why it must not be submitted now, or none."""
        try:
            reasons = await self._guard.refusals([Check(each.submission, each.job.is_counted) for each in ready])
        except DatabaseError:
            return [NotSent("nobody could say whether it may be sent")] * len(ready)
        except Exception:
            if len(ready) > 1:
                return [refused for each in ready for refused in await self._refused([each])]
            logger.exception("a message was not checked", extra={"carrier": self._name})
            return [Refused(Refusal.TEMPORARY, "it could not be checked")]
        return [None if reason is None else Refused(Refusal.PERMANENT, reason) for reason in reasons]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.upkeep.wake()

    def _freed(self) -> None:
        self._taken -= 1
        self.upkeep.wake()

    async def _submit(self, ready: _Ready) -> None:
        await failpoints.reached("delivery.claimed")
        measures.late(self._name, ready.job.due_at)
        carrier = self._carrier_of(ready.submission)
        if isinstance(carrier, NotSent):
            self._freed()
            await self._conclude(ready, carrier)
            return
        try:
            outcome = await self._outcome(carrier, ready)
        finally:
            self._freed()
        await failpoints.reached("delivery.submitted")
        await self._hold(outcome, ready.job.recipient)
        # What comes when the wait of the database is over may be too late.
        until = asyncio.get_running_loop().time() + self._unanswered(ready.job).wait_ms / 1000
        await self._conclude(ready, self._quiet.after(outcome, ready.job.recipient))
        if isinstance(outcome, Unknown) and outcome.late:
            self._listen(ready, outcome.late, until)

    def _listen(self, ready: _Ready, late: Late, until: float) -> None:
        """Conclude it when its answer comes, though late."""

        async def listening() -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    outcome = await late()
                if not isinstance(outcome, Unknown):
                    self._start(self._conclude(ready, outcome))

        task = asyncio.create_task(listening())
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    def _carrier_of(self, submission: Submission) -> Carrier | NotSent:
        """Return who takes it now, or why nobody does."""
        # The carrier of the claim may be closed since.
        carrier = self._carriers.carrier(self._name)
        if carrier is None:
            return NotSent("the carrier is gone")
        if asyncio.get_running_loop().time() >= submission.deadline:
            return NotSent("its turn came too late")
        return carrier

    def _unanswered(self, job: Claimed) -> Unanswered:
        return self._carriers.unanswered(self._name, job.recipient, job.sender)

    async def _conclude(self, ready: _Ready, outcome: Outcome, *, given: bool = True) -> None:
        job = ready.job
        try:
            sent = Sent(job, self._name, ready.gives_receipts, self._unanswered(job), given)
            await self._concluding.conclude(sent, outcome)
        except Exception:
            # A bug of ours. The job is then one of which nobody knows what became.
            logger.exception("what became of a submission is lost", extra={"carrier": self._name})

    async def _outcome(self, carrier: Carrier, ready: _Ready) -> Outcome:
        try:
            async with asyncio.timeout_at(ready.ends_at):
                return await carrier.submit(ready.submission)
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception:
            logger.exception("carrier failed", extra={"carrier": self._name})
            return Unknown("the carrier's code failed")

    async def _hold(self, outcome: Outcome, recipient: str) -> None:
        seconds = self._pause.after(outcome, recipient)
        if not seconds:
            return
        if isinstance(outcome, Refused) and outcome.kind is Refusal.ACCOUNT:
            logger.error("carrier refuses our account", extra={"carrier": self._name, "reason": outcome.reason})
        try:
            await self._store.hold(self._name, round(1000 * seconds))
        except DatabaseError as error:
            logger.warning("carrier not held", extra={"carrier": self._name, "reason": error.reason})
