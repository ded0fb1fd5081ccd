"""Metrics for Prometheus, all with the prefix `usermessage_`; labels are operations and codes, never callers."""

import time
from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_ANSWERS = Counter("usermessage_answers", "Answers of the gateway", ["operation", "code"])
_SECONDS = Histogram("usermessage_answer_seconds", "Time to an answer of the gateway", ["operation"], buckets=_BUCKETS)
_COMMANDS = Counter("usermessage_commands", "Commands that a worker answered", ["operation", "code"])
_LIMITS_SHARED = Gauge("usermessage_limits_shared", "1 while this gateway shares its rate limits with others, else 0")
_UNSENT = Gauge("usermessage_unsent_octets", "Octets of answers that clients have not read to their end")
_PURGED = Counter("usermessage_purged_messages", "Messages of deleted conversations that this process purged")
_EXPIRED = Counter("usermessage_expired_messages", "Messages that became too old and that this process removed")
_DROPPED_DEVICES = Counter("usermessage_dropped_devices", "Devices that this process dropped after 90 silent days")
_TOMBSTONES = Counter("usermessage_removed_tombstones", "Deleted messages that this process removed for good")
_RELAYED = Counter("usermessage_relayed_events", "Events that this process moved from the outbox to the broker")
_OUTBOX = Gauge("usermessage_outbox_events", "Events in the outbox, up to 100,000; every process says the same")
_OUTBOX_SECONDS = Gauge("usermessage_outbox_seconds", "Age of the oldest event in the outbox")
_EVENT_QUEUE = Gauge("usermessage_event_queue_messages", "Messages of an event queue that are ready", ["queue"])
_DEAD_LETTERS = Counter("usermessage_dead_letters", "Events that became dead letters in this process", ["queue"])
_EVENT_SECONDS = Histogram(
    "usermessage_event_seconds", "Time from an event's writing to its handling", ["queue"], buckets=(*_BUCKETS, 30, 300)
)
_WEBHOOKS = Counter("usermessage_webhooks", "Calls of carriers that were answered here", ["carrier", "way", "status"])
_CLOSED = Gauge("usermessage_closed_conversations", "Deleted conversations that wait for the purge, in all mailboxes")


@cache
def _answers(operation: str, code: int) -> Counter:
    return _ANSWERS.labels(operation, str(code))


@cache
def _seconds(operation: str) -> Histogram:
    return _SECONDS.labels(operation)


@cache
def _commands(operation: str, code: int) -> Counter:
    return _COMMANDS.labels(operation, str(code))


def answered(operation: str, code: int, seconds: float) -> None:
    """Count one answer of the gateway."""
    _answers(operation, code).inc()
    _seconds(operation).observe(seconds)


def command_done(operation: str, code: int) -> None:
    """Count one command that this worker answered."""
    _commands(operation, code).inc()


def limits_shared(*, shared: bool) -> None:
    """Say whether rate limits are shared with other gateways now."""
    _LIMITS_SHARED.set(shared)


def dropped_devices(devices: int) -> None:
    """Count devices that were silent for too long."""
    _DROPPED_DEVICES.inc(devices)


def removed_tombstones(messages: int) -> None:
    """Count deleted messages that no device waited for."""
    _TOMBSTONES.inc(messages)


def purged(messages: int) -> None:
    """Count messages that became tombstones after their conversation was deleted."""
    _PURGED.inc(messages)


def expired(messages: int) -> None:
    """Count messages that retention removed."""
    _EXPIRED.inc(messages)


def closed_conversations(count: int) -> None:
    """Say how many deleted conversations wait for the purge; every process says the same."""
    _CLOSED.set(count)


def unsent(octets: int) -> None:
    """Say how many octets of answers clients have not read to their end."""
    _UNSENT.set(octets)


def relayed(events: int) -> None:
    """Count events that left the outbox."""
    _RELAYED.inc(events)


def outbox(events: int, seconds: float) -> None:
    """Say how many events wait in the outbox, and since when the oldest does."""
    _OUTBOX.set(events)
    _OUTBOX_SECONDS.set(seconds)


def event_queue(queue: str, messages: int) -> None:
    """Say how many messages an event queue has ready; every process that looks says the same."""
    _EVENT_QUEUE.labels(queue).set(messages)


def event_queues_unknown(queues: Iterable[str]) -> None:
    """Say nothing any more of these queues."""
    for queue in queues:
        _EVENT_QUEUE.labels(queue).set(0)
        _EVENT_QUEUE.remove(queue)


def dead_letter(queue: str) -> None:
    """Count an event that became a dead letter."""
    _DEAD_LETTERS.labels(queue).inc()


def events_handled(queue: str, written_at: Iterable[int]) -> None:
    """Count events that were handled now, with the ms since 1970 at which each was written."""
    now = time.time() * 1000
    for at in written_at:
        _EVENT_SECONDS.labels(queue).observe((now - at) / 1000)


def webhook(carrier: str, way: str, status: int) -> None:
    """Count a call of a carrier, by the HTTP status of its answer."""
    _WEBHOOKS.labels(carrier, way, str(int(status))).inc()
