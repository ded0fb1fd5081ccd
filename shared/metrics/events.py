"""Events: their queues, and those who handle them."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.buckets import LONG_SECONDS

_RELAYED = Counter("usermessage_relayed_events", "Events that this process moved from the outbox to the broker")
_QUEUE = Gauge(
    "usermessage_event_queue_messages", "Messages of an event queue that are ready, of up to 200 events", ["queue"]
)
_CONSUMERS = Gauge(
    "usermessage_event_queue_consumers", "Workers that consume an event queue; one that pauses does not", ["queue"]
)
_AGE = Gauge("usermessage_event_age_seconds", "Age of the oldest event that this process has yet to handle", ["queue"])
_PAUSED = Gauge("usermessage_events_paused", "1 while this process takes no events, for something is away", ["queue"])
_SECONDS = Histogram(
    "usermessage_event_seconds", "Time from an event's writing to its handling", ["queue"], buckets=LONG_SECONDS
)
_RETRIED = Counter("usermessage_retried_events", "Events that are to come again, for they failed or wait", ["queue"])
_DEAD_LETTERS = Counter("usermessage_dead_letters", "Events that became dead letters in this process", ["queue"])


def relayed(events: int) -> None:
    """Count events that left the outbox."""
    _RELAYED.inc(events)


def event_queue(queue: str, messages: int, consumers: int) -> None:
    """Say what the broker says of an event queue; every process that looks says the same."""
    _QUEUE.labels(queue).set(messages)
    _CONSUMERS.labels(queue).set(consumers)


def event_queues_unknown(queues: Iterable[str]) -> None:
    """Say nothing any more of these queues."""
    for queue in queues:
        for gauge in (_QUEUE, _CONSUMERS):
            gauge.labels(queue).set(0)
            gauge.remove(queue)


class QueueEvents:
    """The measures of those who handle the events of one queue; `paused` and `age` are looked up."""

    def __init__(self, queue: str, paused: Callable[[], bool], age: Callable[[], float]) -> None:
        _PAUSED.labels(queue).set_function(paused)
        _AGE.labels(queue).set_function(age)
        self.dead = _DEAD_LETTERS.labels(queue).inc
        self.retried = _RETRIED.labels(queue).inc
        self._seconds = _SECONDS.labels(queue)

    def handled(self, written_at: Iterable[int]) -> None:
        """Count events that were handled now, with the ms since 1970 at which each was written."""
        now = time.time() * 1000
        for at in written_at:
            self._seconds.observe((now - at) / 1000)
