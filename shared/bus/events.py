"""Batches of events: what one AMQP message of an event queue holds, and what its headers say."""

import secrets
from collections.abc import Iterable, Iterator, Sequence

import aio_pika
import orjson
from aio_pika.abc import AbstractMessage, HeadersType

from shared.bus.envelope import EnvelopeError, UnknownVersionError
from shared.contract.events import Event, Fact

VERSION = 1
BATCH_EVENTS = 200
# Ours, because the broker's own count goes up whenever a consumer dies.
ATTEMPTS = "usermessage-attempts"
ERROR = "usermessage-error"
ID_OCTETS = 6

_KNOWN = frozenset(Fact)


def batches(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Split events into as many as one message holds."""
    for start in range(0, len(events), BATCH_EVENTS):
        yield events[start : start + BATCH_EVENTS]


def batch_message(events: Iterable[Event], *, attempts: int = 0) -> aio_pika.Message:
    """Return a durable message; `attempts` is how often a handler failed on these very events."""
    body = orjson.dumps({"version": VERSION, "events": [tuple(event) for event in events]})
    return batch_of(body, attempts)


def dead_letter(event: Event, *, attempts: int, error: str) -> aio_pika.Message:
    """Return a durable message with an identity of its own; `error` is what a handler raised at last."""
    dead = batch_message([event], attempts=attempts)
    dead.headers[ERROR] = error
    dead.message_id = secrets.token_hex(ID_OCTETS)
    return dead


def batch_of(body: bytes, attempts: int) -> aio_pika.Message:
    """Return a durable message with the body of another one, but with none of what the broker noted on that."""
    headers: HeadersType = {ATTEMPTS: attempts}
    return aio_pika.Message(body, headers=headers, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)


def unpack_events(body: bytes) -> list[Event]:
    """Return the events of a message; entries may grow at their end. Raises `EnvelopeError`."""
    try:
        document = orjson.loads(body)
        if document["version"] != VERSION:
            raise UnknownVersionError("not a version that this code knows")
        return [Event(*row[: len(Event._fields)]) for row in document["events"]]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise EnvelopeError("not a batch of events") from error


def is_known(event: Event) -> bool:
    """Whether this code knows what happened."""
    return event.fact in _KNOWN


def attempts(message: AbstractMessage) -> int:
    """Return how often a handler failed on the events of a message."""
    return _count(message, ATTEMPTS)


def deliveries(message: AbstractMessage) -> int:
    """Return how often the broker delivered a message before."""
    return _count(message, "x-delivery-count")


def _count(message: AbstractMessage, header: str) -> int:
    count = message.headers.get(header, 0)
    return count if isinstance(count, int) else 0
