"""Measures of delivery for Prometheus; labels are carriers and outcomes, never callers."""

import time
from collections.abc import Iterable, Mapping
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from services.delivery.carriers.carrier import Outcome, Refused
from services.delivery.jobs import Untold

_SUBMISSIONS = Counter(
    "usermessage_delivery_submissions", "Submissions to carriers, by what became of them", ["carrier", "outcome"]
)
_BACKLOG = Gauge(
    "usermessage_delivery_due_jobs", "Jobs that are due, up to 10,000 for each carrier; every process says the same",
    ["carrier"],
)  # fmt: skip
_LATENESS = Histogram(
    "usermessage_delivery_lateness_seconds", "Time from a job's due date to its submission", ["carrier"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)  # fmt: skip
_LATE = Counter("usermessage_delivery_late_answers", "Answers of carriers that came when the job was somebody else's")
_DIVERTED = Counter(
    "usermessage_delivery_diverted", "Jobs that went to another carrier, as theirs was away", ["carrier"]
)
_RECEIPTS = Counter("usermessage_delivery_receipts", "Receipts of carriers, by whether they matched", ["matched"])
_DROPPED = Counter("usermessage_delivery_dropped_receipts", "Receipts that matched nothing for 72 hours")
_OVERDUE = Counter("usermessage_delivery_missing_receipts", "Accepted messages whose receipts did not come in time")
_UNREADABLE = Counter(
    "usermessage_delivery_unreadable", "Receipts and inbound messages that could not be read, of calls with others",
    ["carrier", "way"],
)  # fmt: skip
_JOBS = Gauge(
    "usermessage_delivery_jobs", "Jobs that are not done, up to 10,000 of each state; every process says the same",
    ["state"],
)  # fmt: skip
_OVERDUE_SECONDS = Gauge(
    "usermessage_delivery_due_seconds", "How long the oldest due job of a carrier waits; every process says the same",
    ["carrier"],
)  # fmt: skip
_ENDED = Counter("usermessage_delivery_ended", "Jobs of which this process told the mailbox", ["status"])
_RECEIPT_SECONDS = Histogram(
    "usermessage_delivery_receipt_seconds", "Time from acceptance to the last receipt, of what was delivered",
    ["carrier"], buckets=(0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600),
)  # fmt: skip
_WEBHOOKS = Counter("usermessage_webhooks", "Calls of carriers that were answered here", ["carrier", "way", "status"])
_INBOUND = Counter("usermessage_delivery_inbound", "Inbound messages, by whether the number is an account's", ["known"])
_DROPPED_INBOUND = Counter(
    "usermessage_delivery_dropped_inbound", "Messages to numbers of no account beyond 600 of a carrier in a minute"
)
_JOINED = Counter(
    "usermessage_delivery_joined", "Inbound messages put together of parts, by whether none missed", ["whole"]
)

_BURIED = Counter(
    "usermessage_delivery_buried", "Inbound messages in parts that could never be passed on, and are to nobody now"
)


# In a job, as in a message; it failed with any other.
_DELIVERED = 2
_NO_CARRIER = "to be chosen"


@cache
def _submissions(carrier: str, outcome: str) -> Counter:
    return _SUBMISSIONS.labels(carrier, outcome)


@cache
def _lateness(carrier: str) -> Histogram:
    return _LATENESS.labels(carrier)


def submitted(carrier: str, outcome: Outcome) -> None:
    """Count a submission."""
    name = outcome.kind.value if isinstance(outcome, Refused) else type(outcome).__name__.lower()
    _submissions(carrier, name).inc()


def backlog(jobs: Mapping[str, int], waits_ms: Mapping[str, int]) -> None:
    """Say how many jobs are due for each carrier, and for how long the oldest waits."""
    # Those of which nothing waits any more are none.
    for gauge in (_BACKLOG, _OVERDUE_SECONDS):
        gauge.clear()
    for carrier, count in jobs.items():
        name = carrier or _NO_CARRIER
        _BACKLOG.labels(name).set(count)
        _OVERDUE_SECONDS.labels(name).set(max(0, waits_ms.get(carrier, 0)) / 1000)


def jobs(states: Mapping[str, int]) -> None:
    """Say how many jobs there are of each state."""
    for state, count in states.items():
        _JOBS.labels(state).set(count)


def told(jobs: Iterable[Untold]) -> None:
    """Count jobs that are done, and how long their receipts took."""
    for job in jobs:
        _ENDED.labels("delivered" if job.status == _DELIVERED else "failed").inc()
        if job.receipt_ms is not None:
            _RECEIPT_SECONDS.labels(job.carrier).observe(max(0, job.receipt_ms) / 1000)


def late(carrier: str, due_at: int) -> None:
    """Note how late a job is submitted that was due at ms since 1970."""
    _lateness(carrier).observe(max(0.0, time.time() - due_at / 1000))


def concluded_late() -> None:
    """Count an answer to which nobody listened any more."""
    _LATE.inc()


def diverted(carrier: str, jobs: int) -> None:
    """Count jobs that others got, as their carrier was away."""
    _DIVERTED.labels(carrier).inc(jobs)


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


def strange(*, kept: bool) -> None:
    """Count a message to nobody that was too many."""
    if not kept:
        _DROPPED_INBOUND.inc()


def joined(*, whole: bool) -> None:
    """Count an inbound message that came in parts."""
    _JOINED.labels("yes" if whole else "no").inc()


def buried() -> None:
    """Count an inbound message that was given up."""
    _BURIED.inc()


def webhook(carrier: str, way: str, status: int) -> None:
    """Count a call of a carrier, by the HTTP status of its answer."""
    _WEBHOOKS.labels(carrier, way, str(int(status))).inc()
