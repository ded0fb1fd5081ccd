"""Yardstick: the plain build's worker. `python -m tests.bench.plain.worker`.

One message is one command is one transaction, from a pool; as many run at once as were prefetched.
"""

import asyncio
import os
import time
from typing import Any

import aio_pika
import asyncpg
import orjson
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from tests.bench.plain import statements
from tests.bench.plain.gateway import QUEUE

PREFETCH = 64
POOL = 10


class Worker:
    """Runs commands and publishes their answers."""

    def __init__(self, pool: asyncpg.Pool, replies: AbstractExchange) -> None:
        self._pool = pool
        self._replies = replies
        self._handlers = {
            "insert": self._insert,
            "get/by/conversation": self._page,
            "conversations/get": self._conversations,
        }

    async def on_command(self, message: AbstractIncomingMessage) -> None:
        """Run one command, answer it, acknowledge it; one that fails is dropped and its caller waits in vain."""
        async with message.process():
            command = orjson.loads(message.body)
            tree = await self._handlers[command["operation"]](command["accountId"], command["request"])
            answer = aio_pika.Message(orjson.dumps({"errorCode": 0, **tree}), correlation_id=message.correlation_id)
            await self._replies.publish(answer, message.reply_to or "", mandatory=False)

    async def _insert(self, account_id: int, request: dict[str, Any]) -> dict[str, Any]:
        text, now = request["message"], time.time_ns() // 1_000_000
        async with self._pool.acquire() as connection, connection.transaction():
            ((number, seq),) = await connection.fetch(statements.COUNT, account_id)
            conversation = await connection.fetchval(
                statements.CONVERSATION, account_id, number, request["address"], now, text
            )
            await connection.execute(statements.MESSAGE, account_id, number, conversation, seq, now, text)
            await connection.execute(statements.EVENT, account_id, number, seq)
        return {"messageId": number}

    async def _page(self, account_id: int, request: dict[str, Any]) -> dict[str, Any]:
        page = (request["address"], request.get("offset", 0), request.get("limit", 100))
        rows = await self._pool.fetch(statements.PAGE, account_id, *page)
        return {"messages": [dict(row) for row in rows]}

    async def _conversations(self, account_id: int, _: dict[str, Any]) -> dict[str, Any]:
        rows = await self._pool.fetch(statements.CONVERSATIONS, account_id)
        return {"conversations": [dict(row) for row in rows]}


async def _main() -> None:
    connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], max_size=POOL) as pool, connection:
        # As in the service, commands are confirmed to the gateway, replies are not.
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.declare_queue(QUEUE, durable=True)
        worker = Worker(pool, channel.default_exchange)
        await queue.consume(worker.on_command)
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
