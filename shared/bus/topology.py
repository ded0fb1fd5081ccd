"""The topology: every queue and exchange of the service, with arguments that never change under the same name.

RabbitMQ refuses a declaration with other arguments, so a change is a new name. Nothing here needs a policy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue

from shared.bus.link import broker_await
from shared.contract import accounts, conversations, messages, search, sms, sync
from shared.contract.events import Fact

_BACKSTOP = 10_000
# Of batches; what does not fit stays in the outbox.
_EVENTS_BACKSTOP = 100_000
# A handler gets an event so often before it is a dead letter.
ATTEMPTS = 5
# Not what counts attempts: at 5, six crashed consumers dead-lettered a hundred events that nobody had looked at.
_DELIVERY_LIMIT = 1_000
# Each look at the dead letters is a delivery; without a limit RabbitMQ 4 takes 20, and then throws them away.
_LOOKS = 1_000_000_000

# A day less than the answers under keys are kept: what an event did before must still be known when it is replayed.
DEAD_MILLISECONDS = 6 * 86_400_000

_REVOCATIONS = "usermessage.revocations"


@dataclass(frozen=True, slots=True)
class CommandQueue:
    """A durable classic queue of command envelopes; the length is a backstop, each message expires by itself."""

    name: str
    arguments: Mapping[str, str | int] = field(
        default_factory=lambda: {"x-queue-type": "classic", "x-max-length": _BACKSTOP, "x-overflow": "reject-publish"}
    )


COMMAND_QUEUES: tuple[CommandQueue, ...] = (
    CommandQueue(accounts.QUEUE),
    CommandQueue(accounts.LOGIN_QUEUE),
    CommandQueue(conversations.QUEUE),
    CommandQueue(conversations.DELETE_QUEUE),
    CommandQueue(messages.QUEUE),
    CommandQueue(sync.QUEUE),
    CommandQueue(search.QUEUE),
    CommandQueue(sms.QUEUE),
)


@dataclass(frozen=True)
class EventQueue:
    """A quorum queue of event batches for one consumer, with the facts that it wants.

    Behind it stand a queue for each delay, from which what waited there comes back by itself, and the dead letters.
    A relay lets events of it gather for `gather_seconds`.
    """

    name: str
    facts: frozenset[Fact]
    gather_seconds: float = 0.05

    @cached_property
    def dead(self) -> str:
        return f"{self.name}.dead"

    @cached_property
    def retries(self) -> tuple[str, ...]:
        """Name the queues of the delays, shortest first."""
        return tuple(f"{self.name}.retry.{number}" for number in range(1, ATTEMPTS))

    @cached_property
    def arguments(self) -> Mapping[str, Mapping[str, str | int]]:
        """Return the arguments of each queue by its name, those behind it first."""
        return {
            self.dead: {"x-queue-type": "quorum", "x-delivery-limit": _LOOKS, "x-message-ttl": DEAD_MILLISECONDS},
            **{retry: _quorum(self.name) for retry in self.retries},
            self.name: {**_quorum(self.dead), "x-max-length": _EVENTS_BACKSTOP, "x-delivery-limit": _DELIVERY_LIMIT},
        }


def _quorum(next_queue: str) -> dict[str, str | int]:
    """Return the arguments of a queue that hands on what it lets go of, and loses nothing between."""
    return {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": next_queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-delivery-limit": _LOOKS,
    }


DELIVERY_EVENTS = EventQueue("events.delivery", frozenset({Fact.SEND_REQUESTED}))
# A search need not find a message at once. To write to the index costs much, however few messages it is, and what
# changed twice meanwhile is written once.
_SEARCH_GATHER_SECONDS = 0.2
SEARCH_EVENTS = EventQueue(
    "events.search", frozenset({Fact.MESSAGE_STORED, Fact.MESSAGE_CHANGED}), gather_seconds=_SEARCH_GATHER_SECONDS
)
# Apart, for a deleted conversation may give a million of them, and what is stored meanwhile must be found soon.
SEARCH_DELETIONS = EventQueue(
    "events.search.deleted", frozenset({Fact.MESSAGE_DELETED}), gather_seconds=_SEARCH_GATHER_SECONDS
)

# Each fact is wanted by one consumer: it leaves the outbox for one queue.
EVENT_QUEUES: tuple[EventQueue, ...] = (DELIVERY_EVENTS, SEARCH_EVENTS, SEARCH_DELETIONS)


async def declare_events(channel: AbstractChannel, queue: EventQueue) -> None:
    """Declare an event queue with all that stands behind it."""
    for name, arguments in queue.arguments.items():
        async with broker_await():
            await channel.declare_queue(name, durable=True, arguments=dict(arguments))


async def declare_commands(channel: AbstractChannel, names: Iterable[str]) -> dict[str, AbstractQueue]:
    """Declare the command queues of these names."""
    wanted = set(names)
    declared: dict[str, AbstractQueue] = {}
    for queue in COMMAND_QUEUES:
        if queue.name in wanted:
            async with broker_await():
                declared[queue.name] = await channel.declare_queue(
                    queue.name, durable=True, arguments=dict(queue.arguments)
                )
    return declared


async def declare_private(channel: AbstractChannel) -> AbstractQueue:
    """Declare a queue of this connection alone, named by the broker and gone with the connection."""
    async with broker_await():
        return await channel.declare_queue(None, exclusive=True, auto_delete=True)


async def declare_revocations(channel: AbstractChannel) -> AbstractExchange:
    """Declare where revocations go, and from there to every gateway."""
    async with broker_await():
        return await channel.declare_exchange(_REVOCATIONS, ExchangeType.FANOUT, durable=True)
