"""The topology: every queue and exchange of the service, with arguments that never change under the same name.

RabbitMQ refuses a declaration with other arguments, so a change is a new name. Nothing here needs a policy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue

from shared.bus.link import broker_await
from shared.contract import accounts, conversations, messages, search, sms, sync

_BACKSTOP = 10_000

REVOCATIONS = "usermessage.revocations"


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


async def bind_revocations(channel: AbstractChannel, queue: AbstractQueue) -> None:
    """Bind a queue to the revocations, which go to every gateway."""
    async with broker_await():
        exchange = await channel.declare_exchange(REVOCATIONS, ExchangeType.FANOUT, durable=True)
        await queue.bind(exchange)
