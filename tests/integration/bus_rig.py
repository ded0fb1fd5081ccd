"""A caller and a server on a real broker, with operations of the test's own, where no role consumes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import orjson

from shared.bus.caller import Caller
from shared.bus.link import Link
from shared.bus.routes import Route
from shared.bus.server import Server
from shared.contract import search, sms
from shared.contract.messages import UserMessageDeleteRequest, UserMessageInsertResponse
from shared.contract.operation import Bucket, Identity, Operation
from shared.contract.writing import to_tree

SOMEBODY = Identity(1, 1, None)

ECHO = Operation(
    name="rig.echo",
    path=None,
    request=UserMessageDeleteRequest,
    reply=UserMessageInsertResponse,
    queue=search.QUEUE,
    bucket=Bucket.READ,
    writes=False,
    budget=2.0,
)
GROUP = Operation(
    name="rig.group",
    path=None,
    request=UserMessageDeleteRequest,
    reply=UserMessageInsertResponse,
    queue=sms.QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    group=64,
    budget=2.0,
)


class Rig:
    """The caller's end."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def call(self, operation: Operation[UserMessageDeleteRequest, UserMessageInsertResponse], number: int) -> int:
        """Call with a number; return the number of the reply."""
        request = to_tree(UserMessageDeleteRequest(number))
        body = await self.caller.call(operation, request, SOMEBODY, "trace")
        return int(orjson.loads(body)["messageId"])

    async def consumed(self, queue: str, consumers: int) -> None:
        """Wait until the caller knows of so many consumers."""
        await eventually(lambda: self.caller.lanes[queue].consumers == consumers)


@asynccontextmanager
async def calling(url: str, *, per_queue: int = 1000) -> AsyncIterator[Rig]:
    """Run a caller on two links."""
    caller = Caller([search.QUEUE, sms.QUEUE], waiting_per_queue=per_queue, waiting_total=2000)
    publish = Link(url, "rig publish", [caller.publishing])
    receive = Link(url, "rig receive", [caller.replying])
    async with publish, receive:
        await publish.up.wait()
        await receive.up.wait()
        yield Rig(caller)


@asynccontextmanager
async def serving(url: str, routes: Iterable[Route]) -> AsyncIterator[Server]:
    """Run a server on two links, and drain it at the end."""
    server = Server(routes, slots=2)
    publish = Link(url, "rig replies", [server.replies.publishing])
    consume = Link(url, "rig consume", [server.consuming])
    async with publish, consume:
        await publish.up.wait()
        await consume.up.wait()
        yield server
        async with asyncio.timeout(5):
            await server.drain()


async def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        await asyncio.sleep(0.05)
