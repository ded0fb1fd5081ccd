"""A relay on a database and a queue of its own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
import asyncpg

from shared.bus.events import unpack_events
from shared.bus.link import Link
from shared.bus.relay import Relay
from shared.bus.topology import EventQueue
from shared.contract.events import Event, Fact
from shared.mailbox.outbox import Outbox
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database

_WRITE = """
insert into outbox (account_id, message_id, change_seq, kind)
select $1, nth, nth, $3 from generate_series(1, $2::integer) as nth
"""


class Ends:
    """The ends of a relay: what is written into the outbox, and what comes out of the queue."""

    def __init__(self, url: str, amqp_url: str, queue: EventQueue) -> None:
        self.url = url
        self.amqp_url = amqp_url
        self.queue = queue

    async def write(self, events: int, fact: Fact = Fact.SEND_REQUESTED, account_id: int = 1) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(_WRITE, account_id, events, fact)
        finally:
            await connection.close()

    async def left(self) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            return int(await connection.fetchval("select count(*) from outbox"))
        finally:
            await connection.close()

    async def batches(self) -> list[Sequence[Event]]:
        """Take what is in the queue, a list for each message."""
        found: list[Sequence[Event]] = []
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(self.queue.name)
            while message := await queue.get(fail=False, no_ack=True):
                found.append(unpack_events(message.body))
        return found


class Rig(Ends):
    """A relay with its ends."""

    def __init__(self, url: str, amqp_url: str, relay: Relay, queue: EventQueue) -> None:
        super().__init__(url, amqp_url, queue)
        self.relay = relay

    async def relay_all(self) -> None:
        """Go round until the outbox is empty."""
        async with asyncio.timeout(60):
            while await self.left():
                await self.relay.round()


@asynccontextmanager
async def relay_rig(url: str, amqp_url: str) -> AsyncIterator[Rig]:
    """Give a connected relay; its queue is deleted afterwards."""
    await migrate(url, after=True)
    queue = EventQueue(f"events.test-{secrets.token_hex(4)}", frozenset({Fact.SEND_REQUESTED}))
    async with Database(url, 2, name="relay-test") as database:
        relay = Relay(Outbox(database, queue.facts), queue)
        async with Link(amqp_url, "relay test", [relay.publishing]) as link:
            await link.up.wait()
            try:
                yield Rig(url, amqp_url, relay, queue)
            finally:
                await delete(amqp_url, queue)


async def delete(amqp_url: str, queue: EventQueue) -> None:
    """Delete a queue with all that stands behind it."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for name in queue.arguments:
            await channel.queue_delete(name)
