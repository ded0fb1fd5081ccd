"""Dead letters: what a handler failed on too often, or the broker delivered too often, for a person to judge.

Reading takes messages out of their queue until they are replayed, dropped or given back; a reader that dies gives all
of them back. A replay that dies between the broker's confirm and the acknowledgement doubles its events, never loses
them.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared import failpoints
from shared.bus import events
from shared.bus.depths import depth
from shared.bus.envelope import EnvelopeError
from shared.bus.link import Session, broker_await, open_channel
from shared.bus.topology import DEAD_MILLISECONDS, EventQueue
from shared.contract import dates
from shared.contract.events import Event

# The broker moved it: so often it was delivered and neither handled nor refused.
_UNDELIVERABLE = "delivery limit"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message; `events` is None where this code cannot read it.

    Two that the broker moved and that hold the same have the same `id`.
    """

    id: str
    events: Sequence[Event] | None
    attempts: int
    error: str
    message: AbstractIncomingMessage = field(repr=False)


class TooOldError(Exception):
    """What an event did may be forgotten, so that it would do it again."""


class DeadLetters:
    """The dead letters of one event queue; `count` were ready at the beginning."""

    def __init__(self, queue: EventQueue, count: int, channel: AbstractChannel, dead: AbstractQueue) -> None:
        self.queue = queue.name
        self.count = count
        self._channel = channel
        self._dead = dead
        self._held: list[DeadLetter] = []

    async def next(self) -> DeadLetter | None:
        """Take the next one, which nobody else sees then; None when there are no more."""
        async with broker_await():
            message = await self._dead.get(fail=False)
        if message is None:
            return None
        letter = _letter(self.queue, message)
        self._held.append(letter)
        return letter

    async def replay(self, letter: DeadLetter) -> None:
        """Put its events back into their queue, as if nobody had failed on them; raise `TooOldError` after 6 days."""
        if any(event.at < dates.now() - DEAD_MILLISECONDS for event in letter.events or ()):
            raise TooOldError
        async with broker_await():
            await self._channel.default_exchange.publish(events.batch_of(letter.message.body, 0), self.queue)
        await failpoints.reached("dead_letters.replayed")
        await self.drop(letter)

    async def drop(self, letter: DeadLetter) -> None:
        """Forget it for good."""
        async with broker_await():
            await letter.message.ack()
        self._held.remove(letter)

    async def give_back(self) -> None:
        """Let others see again what was neither replayed nor dropped."""
        for letter in self._held:
            # Not `reject`, which counts as a failure from RabbitMQ 4.3 on.
            async with broker_await():
                await letter.message.nack(requeue=True)
        async with broker_await():
            await self._channel.close()


@asynccontextmanager
async def dead_letters(session: Session, queue: EventQueue) -> AsyncIterator[DeadLetters | None]:
    """Give the dead letters of a queue, or None when the broker has no such queue."""
    found = await depth(session, queue.dead)
    if found.messages is None:
        yield None
        return
    async with open_channel(session, confirms=True) as channel:
        async with broker_await():
            dead = await channel.get_queue(queue.dead)
        letters = DeadLetters(queue, found.messages, channel, dead)
        try:
            yield letters
        finally:
            await letters.give_back()


def _letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    try:
        pointers = events.unpack_events(message.body)
    except EnvelopeError:
        pointers = None
    return DeadLetter(
        id=message.message_id or _derived_id(queue, message.body),
        events=pointers,
        attempts=events.attempts(message),
        error=str(message.headers.get(events.ERROR, _UNDELIVERABLE)),
        message=message,
    )


def _derived_id(queue: str, body: bytes) -> str:
    return hashlib.sha256(queue.encode() + body).hexdigest()[: 2 * events.ID_OCTETS]
