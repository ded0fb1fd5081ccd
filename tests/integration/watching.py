"""What gateways hear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractQueue

from shared.bus.topology import REVOCATIONS


@asynccontextmanager
async def revocations(amqp_url: str) -> AsyncIterator[AbstractQueue]:
    """Give a queue of all revocations from now on."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(REVOCATIONS, aio_pika.ExchangeType.FANOUT, durable=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange)
        yield queue
