"""Calls of other processes, as the caller sees them: what waits, what is under way, what came to nothing."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.buckets import OCTETS, SECONDS, SIZES

_WAITING = Gauge("usermessage_calls_waiting", "Calls that wait in this process for room in their queue", ["queue"])
_IN_FLIGHT = Gauge("usermessage_calls_in_flight", "Calls that were sent and are not answered yet", ["queue"])
_WAIT = Histogram(
    "usermessage_call_wait_seconds", "Time that a call waited in this process before it was sent", ["queue"],
    buckets=SECONDS,
)  # fmt: skip
_FAILED = Counter("usermessage_calls_failed", "Calls that came to nothing here, by the reason", ["queue", "reason"])
_CALLS = Histogram("usermessage_envelope_calls", "Calls of an envelope", ["queue"], buckets=SIZES)
_OCTETS = Histogram("usermessage_envelope_octets", "Octets of an envelope of calls", ["queue"], buckets=OCTETS)
_ENVELOPES = Gauge(
    "usermessage_command_queue_envelopes", "Envelopes of a command queue that are ready; every caller says the same",
    ["queue"],
)  # fmt: skip
_CONSUMERS = Gauge(
    "usermessage_command_queue_consumers", "Workers that consume a command queue; every caller says the same", ["queue"]
)


class QueueCalls:
    """The measures of the calls of one queue."""

    def __init__(self, queue: str, waiting: Callable[[], int], in_flight: Callable[[], int]) -> None:
        _WAITING.labels(queue).set_function(waiting)
        _IN_FLIGHT.labels(queue).set_function(in_flight)
        self.waited = _WAIT.labels(queue).observe
        self.calls = _CALLS.labels(queue).observe
        self.octets = _OCTETS.labels(queue).observe
        self._queue = queue

    def failed(self, reason: str) -> None:
        """Count a call that came to nothing."""
        _FAILED.labels(self._queue, reason).inc()


def command_queue(queue: str, envelopes: int, consumers: int) -> None:
    """Say what the broker says of a command queue."""
    _ENVELOPES.labels(queue).set(envelopes)
    _CONSUMERS.labels(queue).set(consumers)
