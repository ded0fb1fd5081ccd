"""Yardstick: the plain build's gateway. `python -m tests.bench.plain.gateway PORT ACCOUNTS_FILE`.

What a good team would write first: one message per command, answered on an exclusive queue and matched by its
correlation id; tokens in a dict.
"""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aiohttp import web

QUEUE = "bench.plain"
CALL_SECONDS = 5.0
PREFIX = "/rest/user/message/"
REQUIRED = {"insert": ("address", "message"), "get/by/conversation": ("address",), "conversations/get": ()}


class Calls:
    """Remote procedure calls over one channel."""

    def __init__(self, channel: AbstractChannel, replies: AbstractQueue) -> None:
        self._exchange = channel.default_exchange
        self._reply_to = replies.name
        self._numbers = itertools.count()
        self._waiting: dict[str, asyncio.Future[bytes]] = {}

    async def call(self, command: dict[str, Any]) -> bytes:
        """Publish a command and wait for its answer; raise `TimeoutError`."""
        number = str(next(self._numbers))
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message = aio_pika.Message(
            orjson.dumps(command), correlation_id=number, reply_to=self._reply_to, expiration=CALL_SECONDS
        )
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._exchange.publish(message, QUEUE)
                return await answer
        finally:
            del self._waiting[number]

    async def on_reply(self, message: AbstractIncomingMessage) -> None:
        """Hand an answer to whoever waits for it."""
        answer = self._waiting.get(message.correlation_id or "")
        if answer is not None and not answer.done():
            answer.set_result(message.body)


class Gateway:
    """The handler of every call."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._api_key: str = known["api_key"]
        self._accounts: dict[str, int] = known["accounts"]

    @asynccontextmanager
    async def connected(self, _: web.Application) -> AsyncIterator[None]:
        connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
        async with connection:
            channel = await connection.channel()
            replies = await channel.declare_queue(exclusive=True)
            self._calls = Calls(channel, replies)
            await replies.consume(self._calls.on_reply, no_ack=True)
            yield

    async def handle(self, request: web.Request) -> web.Response:
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            raise web.HTTPBadRequest from None
        operation = request.path.removeprefix(PREFIX)
        if body.get("apiKey") != self._api_key:
            return _answer({"errorCode": 600})
        account_id = self._accounts.get(body.get("authToken"))
        if account_id is None:
            return _answer({"errorCode": 100})
        if not all(isinstance(body.get(name), str) for name in REQUIRED[operation]):
            return _answer({"errorCode": 2})
        command = {"operation": operation, "accountId": account_id, "request": body}
        try:
            return web.Response(body=await self._calls.call(command), content_type="application/json")
        except (TimeoutError, aio_pika.exceptions.AMQPError):
            return _answer({"errorCode": 99})


def _answer(tree: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(tree), content_type="application/json")


def _main(port: int, accounts: Path) -> None:
    gateway = Gateway(orjson.loads(accounts.read_bytes()))
    app = web.Application()
    app.cleanup_ctx.append(gateway.connected)
    for operation in REQUIRED:
        app.router.add_post(PREFIX + operation, gateway.handle)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=lambda *_: print("ready", flush=True))


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]))
