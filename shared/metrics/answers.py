"""What the gateway answers, refuses and holds."""

from collections.abc import Callable
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.buckets import SECONDS

_ANSWERS = Counter("usermessage_answers", "Answers of the gateway", ["operation", "code"])
_SECONDS = Histogram("usermessage_answer_seconds", "Time to an answer of the gateway", ["operation"], buckets=SECONDS)
_FAULTS = Counter("usermessage_transport_faults", "Requests that reached no operation, by HTTP status", ["status"])
_LIMITED = Counter("usermessage_rate_limited", "Calls that a rate limit refused, by the limit", ["limit"])
_LIMITS_SHARED = Gauge("usermessage_limits_shared", "1 while this gateway shares its rate limits with others, else 0")
_CONNECTIONS = Gauge("usermessage_connections", "Open connections of clients")
_UNSENT = Gauge("usermessage_unsent_octets", "Octets of answers that clients have not read to their end")


@cache
def _answers(operation: str, code: int) -> Counter:
    return _ANSWERS.labels(operation, str(code))


@cache
def _seconds(operation: str) -> Histogram:
    return _SECONDS.labels(operation)


def answered(operation: str, code: int, seconds: float) -> None:
    """Count one answer of the gateway."""
    _answers(operation, code).inc()
    _seconds(operation).observe(seconds)


def transport_fault(status: int) -> None:
    """Count a request that could not be understood as a call."""
    _FAULTS.labels(str(int(status))).inc()


def rate_limited(limit: str) -> None:
    """Count a call that this limit had no room for."""
    _LIMITED.labels(limit).inc()


def limits_shared(*, shared: bool) -> None:
    """Say whether rate limits are shared with other gateways now."""
    _LIMITS_SHARED.set(shared)


def connections(count: Callable[[], int]) -> None:
    """Say where the number of open connections can be looked up."""
    _CONNECTIONS.set_function(count)


def unsent(octets: Callable[[], int]) -> None:
    """Say where it can be looked up how many octets of answers clients have not read to their end."""
    _UNSENT.set_function(octets)
