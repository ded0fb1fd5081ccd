"""Conclusions: what follows for a job from what a carrier, or nobody, said of its submission."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from services.delivery.carriers.carrier import (
    Accepted,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Unanswered,
    Unknown,
)
from services.delivery.jobs import Claimed, Conclusion, Event, JobState
from services.delivery.reach import Carriers
from services.delivery.storable import storable

# A carrier that holds everything gets the job again after this, when its pause is over.
_HELD_MS = 500
# What was told to come slower, without a time.
_SLOWER_MS = 2_000
# Then its recipient has it twice at most.
_MOST_RESENDS = 1
_MOST_BACKOFF_MS = 900_000


class Patience(NamedTuple):
    """How often a job is tried at most, and after how long: first `retry_ms`, then twice as long each time.

    Receipts are waited for `receipt_ms` longer than it may be sent.
    """

    attempts: int
    retry_ms: int
    receipt_ms: int


class Sent(NamedTuple):
    """A submission: to which carrier, whether that gives receipts, and what to do when its answer is not known.

    One that was kept from its carrier was not `given` to it; one that `was_unknown` has waited.
    """

    job: Claimed
    carrier: str
    gives_receipts: bool
    unanswered: Unanswered
    given: bool = True
    was_unknown: bool = False


class Conclusions:
    """Draws conclusions."""

    def __init__(self, patience: Patience, carriers: Carriers) -> None:
        self._patience = patience
        self._carriers = carriers

    def draw(self, sent: Sent, outcome: Outcome) -> Conclusion:
        """Return what follows from an outcome."""
        if isinstance(outcome, Accepted):
            return self._accepted(sent, outcome)
        if isinstance(outcome, Unknown):
            return self._unknown(sent, outcome)
        if isinstance(outcome, NotSent):
            return self._elsewhere(sent, outcome.reason)
        return self._refused(sent, outcome)

    def _accepted(self, sent: Sent, outcome: Accepted) -> Conclusion:
        if not sent.gives_receipts or not outcome.carrier_ids:
            # Nothing more will ever be known of it.
            return self._ending(sent, "accepted", "the carrier gives no receipts")
        return self._with(
            sent, "accepted", sent.carrier, "accepted", self._patience.receipt_ms,
            carrier_ids=_ids(outcome.carrier_ids),
        )  # fmt: skip

    def _refused(self, sent: Sent, outcome: Refused) -> Conclusion:
        if outcome.kind is Refusal.PERMANENT:
            return self._ending(sent, "failed", outcome.reason)
        reason = f"{outcome.kind}: {outcome.reason}"
        if outcome.kind is Refusal.ACCOUNT:
            return self._elsewhere(sent, reason)
        if outcome.kind in (Refusal.SLOW_DOWN, Refusal.FULL, Refusal.LATER):
            wait = max(_HELD_MS, round(1000 * outcome.after_seconds)) if outcome.after_seconds else _SLOWER_MS
            return self._with(sent, "queued", reason, "waiting", wait)
        return self._again(sent, "queued", reason, elsewhere=True)

    def _unknown(self, sent: Sent, outcome: Unknown) -> Conclusion:
        # Its receipt may say what nobody knows.
        carrier_ids = outcome.carrier_ids if sent.gives_receipts else ()
        if sent.unanswered.wait_ms and (outcome.late or carrier_ids):
            drawn = self._with(sent, "unknown", outcome.reason, "submitting", sent.unanswered.wait_ms)
        else:
            drawn = self._given_up(sent, outcome.reason)
        return drawn._replace(carrier_ids=_ids(carrier_ids))

    def _given_up(self, sent: Sent, reason: str) -> Conclusion:
        """Do as the policy says; the timeline has it once that it was unknown."""
        if sent.unanswered.policy == "fail" or sent.job.resends >= _MOST_RESENDS:
            return self._ending(sent, "failed" if sent.was_unknown else "unknown", reason)
        drawn = self._again(sent, "queued" if sent.was_unknown else "unknown", reason, elsewhere=False)
        return drawn._replace(resends=drawn.resends + (drawn.state == "waiting"))

    def _elsewhere(self, sent: Sent, reason: str) -> Conclusion:
        """Try another carrier at once, or this one when it is back; nothing was refused, so nothing is counted."""
        tried = [*sent.job.tried, sent.carrier]
        # What kept it from its carrier is no carrier's fault.
        other = self._other(sent.job, tried) if sent.given else None
        if other is None:
            return self._with(sent, "queued", reason, "waiting", _HELD_MS, tried=[])
        return self._with(sent, "queued", reason, "waiting", 0, carrier=other, tried=tried)

    def _other(self, job: Claimed, tried: list[str]) -> str | None:
        return self._carriers.routes.choose(job.recipient, job.sender, tried)

    def _again(self, sent: Sent, event: Event, reason: str, *, elsewhere: bool) -> Conclusion:
        attempts = sent.job.attempts + 1
        if attempts >= self._patience.attempts:
            return self._ending(sent, event if event == "unknown" else "failed", reason)
        tried = [*sent.job.tried, sent.carrier] if elsewhere else sent.job.tried
        other = self._other(sent.job, tried) if elsewhere else None
        return self._with(
            sent, event, reason, "waiting", self._backoff(attempts), attempts=attempts,
            carrier=other or sent.carrier, tried=tried if other or not elsewhere else [],
        )  # fmt: skip

    def _backoff(self, attempts: int) -> int:
        longest: int = min(_MOST_BACKOFF_MS, self._patience.retry_ms * 2 ** (attempts - 1))
        # Or those of one moment would all come again in one moment.
        return round(longest * random.uniform(0.75, 1.0))  # noqa: S311 - no secret

    def _ending(self, sent: Sent, event: Event, reason: str) -> Conclusion:
        return self._with(sent, event, reason, "ending", 0)

    def _with(
        self,
        sent: Sent,
        event: Event,
        reason: str,
        state: JobState,
        wait_ms: int,
        *,
        attempts: int | None = None,
        carrier: str | None = None,
        tried: list[str] | None = None,
        carrier_ids: str = "[]",
    ) -> Conclusion:
        job = sent.job
        return Conclusion(
            job.account_id, job.message_id, job.claim, event, storable(reason), state, wait_ms, carrier or sent.carrier,
            orjson.dumps(job.tried if tried is None else tried).decode(),
            job.attempts if attempts is None else attempts, job.resends, carrier_ids, job.is_counted,
        )  # fmt: skip


def _ids(carrier_ids: Sequence[str]) -> str:
    return orjson.dumps([storable(each) for each in carrier_ids]).decode()
