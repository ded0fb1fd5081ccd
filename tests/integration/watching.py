"""What gateways hear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractQueue

from shared.bus.topology import declare_revocations


@asynccontextmanager
async def revocations(amqp_url: str) -> AsyncIterator[AbstractQueue]:
    """Give a queue of all revocations from now on."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        exchange = await declare_revocations(channel)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange)
        yield queue
