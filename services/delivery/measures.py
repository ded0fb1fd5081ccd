"""Measures of delivery for Prometheus; labels are carriers and outcomes, never callers."""

import time
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from services.delivery.carriers.carrier import Outcome, Refused

_SUBMISSIONS = Counter(
    "usermessage_delivery_submissions", "Submissions to carriers, by what became of them", ["carrier", "outcome"]
)
_BACKLOG = Gauge(
    "usermessage_delivery_due_jobs", "Jobs that are due, up to 100,000 for each carrier; every process says the same",
    ["carrier"],
)  # fmt: skip
_LATENESS = Histogram(
    "usermessage_delivery_lateness_seconds", "Time from a job's due date to its submission", ["carrier"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)  # fmt: skip
_LATE = Counter("usermessage_delivery_late_answers", "Answers of carriers that came when the job was somebody else's")
_RECEIPTS = Counter("usermessage_delivery_receipts", "Receipts of carriers, by whether they matched", ["matched"])
_DROPPED = Counter("usermessage_delivery_dropped_receipts", "Receipts that matched nothing for 72 hours")
_OVERDUE = Counter("usermessage_delivery_missing_receipts", "Accepted messages whose receipts did not come in time")
_UNREADABLE = Counter(
    "usermessage_delivery_unreadable", "Receipts and inbound messages that could not be read, of calls with others",
    ["carrier", "way"],
)  # fmt: skip
_INBOUND = Counter("usermessage_delivery_inbound", "Inbound messages, by whether the number is an account's", ["known"])


def submitted(carrier: str, outcome: Outcome) -> None:
    """Count a submission."""
    name = outcome.kind.value if isinstance(outcome, Refused) else type(outcome).__name__.lower()
    _SUBMISSIONS.labels(carrier, name).inc()


def backlog(jobs: Mapping[str, int]) -> None:
    """Say how many jobs are due for each carrier."""
    # Those of which nothing waits any more are none.
    _BACKLOG.clear()
    for carrier, count in jobs.items():
        _BACKLOG.labels(carrier or "to be chosen").set(count)


def late(carrier: str, due_at: int) -> None:
    """Note how late a job is submitted that was due at ms since 1970."""
    _LATENESS.labels(carrier).observe(max(0.0, time.time() - due_at / 1000))


def concluded_late() -> None:
    """Count an answer to which nobody listened any more."""
    _LATE.inc()


def receipts(matched: int, parked: int) -> None:
    """Count receipts."""
    _RECEIPTS.labels("yes").inc(matched)
    _RECEIPTS.labels("no").inc(parked)


def dropped_receipts(count: int) -> None:
    """Count receipts that were thrown away."""
    _DROPPED.inc(count)


def missing_receipts(count: int) -> None:
    """Count messages that expired for want of a receipt."""
    _OVERDUE.inc(count)


def unreadable(carrier: str, way: str, count: int) -> None:
    """Count what could not be read of a call whose other parts were kept."""
    _UNREADABLE.labels(carrier, way).inc(count)


def inbound(*, known: bool) -> None:
    """Count an inbound message."""
    _INBOUND.labels("yes" if known else "no").inc()
