"""A subscriber on a queue of its own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika

from shared.bus.events import batch_message, batches
from shared.bus.link import Link
from shared.bus.subscriber import Handler, Probe, Subscriber
from shared.bus.topology import EventQueue, declare_events
from shared.contract import dates
from shared.contract.events import Event, Fact
from tests.integration.relay_rig import delete


def event(number: int, fact: int = Fact.SEND_REQUESTED) -> Event:
    return Event(fact, 1, number, number, dates.now())


class Rig:
    """A queue, and what is in it and behind it."""

    def __init__(self, amqp_url: str) -> None:
        self.amqp_url = amqp_url
        self.queue = EventQueue(f"events.test-{secrets.token_hex(4)}", frozenset({Fact.SEND_REQUESTED}))

    async def publish(self, events: Sequence[Event]) -> None:
        await self.publish_messages([batch_message(batch) for batch in batches(events)])

    async def publish_messages(self, messages: Sequence[aio_pika.Message]) -> None:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            await declare_events(channel, self.queue)
            for message in messages:
                await channel.default_exchange.publish(message, self.queue.name)

    async def ready(self, queue: str) -> int:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0

    async def until_ready(self, queue: str, messages: int) -> None:
        """Wait until a queue has so many messages."""
        async with asyncio.timeout(30):
            while await self.ready(queue) != messages:  # noqa: ASYNC110 - it is the broker's
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def subscribed(
        self, handler: Handler, probe: Probe, retry_seconds: float = 0.02
    ) -> AsyncIterator[Subscriber]:
        """Consume until the block ends."""
        subscriber = Subscriber(self.queue, handler, probe, slots=2, retry_seconds=retry_seconds)
        publish = Link(self.amqp_url, "test publish", [subscriber.publishing])
        consume = Link(self.amqp_url, "test consume", [subscriber.consuming])
        async with publish:
            # Before that nothing can be handed on, and what fails comes again whole.
            await publish.up.wait()
            async with consume:
                yield subscriber
                await subscriber.drain()


@asynccontextmanager
async def subscriber_rig(amqp_url: str) -> AsyncIterator[Rig]:
    """Give a queue that is deleted afterwards."""
    rig = Rig(amqp_url)
    try:
        yield rig
    finally:
        await delete(amqp_url, rig.queue)
