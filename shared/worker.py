"""A worker: what every role but the gateway is made of, links, a server and probes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from shared.bus.link import Link
from shared.bus.routes import Route
from shared.bus.server import Server
from shared.health import Probe
from shared.process import Service
from shared.settings import Settings


@asynccontextmanager
async def worker(
    role: str, settings: Settings, routes: Sequence[Route], probes: Sequence[Probe]
) -> AsyncIterator[Service]:
    """Run the routes of a role; it is ready while the broker and what `probes` look at are there."""
    server = Server(routes, slots=settings.slots)
    publish = Link(settings.amqp_url, f"{role} publish", [server.replies.publishing])
    consume = Link(settings.amqp_url, f"{role} consume", [server.consuming])

    async def broker() -> str | None:
        return None if publish.up.is_set() and consume.up.is_set() else "the broker is away"

    async with publish, consume:
        yield Service([Probe("broker", broker), *probes], partial(server.drain, settings.drain_seconds))
