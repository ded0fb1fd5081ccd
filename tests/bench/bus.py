"""Yardstick: the bare bus, an echo by RPC with no HTTP and no database. `python -m tests.bench.bus` serves."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import aio_pika

from shared.bus.caller import Caller
from shared.bus.link import Link
from shared.bus.routes import Context, Route, WireTree, route, route_group
from shared.bus.server import Server
from shared.contract.operation import AnyOperation, Identity
from tests.bench.load import Figures, closed_calls
from tests.bench.scenarios import SCENARIOS, Scenario

# A queue that no role consumes.
QUEUE = "bench.echo"
SLOTS = 2
_SOMEBODY = Identity(1, 1, None)
_TRACE = "0" * 32


def _echo(scenario: Scenario) -> AnyOperation:
    return replace(scenario.operation, name=f"bench.{scenario.operation.name}", queue=QUEUE, path=None)


def _route(scenario: Scenario) -> Route:
    async def one(_: object, __: Context) -> WireTree:
        return scenario.sample

    async def group(requests: Sequence[tuple[object, Context]]) -> Sequence[WireTree]:
        return [scenario.sample] * len(requests)

    operation = _echo(scenario)
    return route_group(operation, group) if operation.group > 1 else route(operation, one)


async def _declare(url: str) -> None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "classic"})


async def _serve(url: str) -> None:
    await _declare(url)
    server = Server([_route(scenario) for scenario in SCENARIOS], slots=SLOTS)
    publish = Link(url, "bench replies", [server.replies.publishing])
    consume = Link(url, "bench consume", [server.consuming])
    async with publish, consume:
        await publish.up.wait()
        await consume.up.wait()
        print("ready", flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[Caller]:
    """Connect a caller to the served echo."""
    caller = Caller([QUEUE], waiting_per_queue=1000, waiting_total=1000)
    publish = Link(url, "bench publish", [caller.publishing])
    receive = Link(url, "bench receive", [caller.replying])
    async with publish, receive:
        await publish.up.wait()
        await receive.up.wait()
        yield caller


async def measure(caller: Caller, scenario: Scenario, seconds: float, connections: int) -> Figures:
    """Call as many at a time as there are connections."""
    operation = _echo(scenario)

    async def call(_: int, nth: int) -> int:
        body = await caller.call(operation, scenario.request(nth), _SOMEBODY, _TRACE)
        return 0 if scenario.accepts(body) else 1

    return await closed_calls(call, connections, seconds)


if __name__ == "__main__":
    asyncio.run(_serve(os.environ["AMQP_URL"]))
