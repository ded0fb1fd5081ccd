"""A worker: what every role but the gateway is made of, two links, what runs on them, and probes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from shared.bus.caller import Caller
from shared.bus.link import Link, Opener
from shared.bus.relay import Relay
from shared.bus.routes import Route
from shared.bus.server import Server
from shared.bus.subscriber import Subscriber
from shared.health import Probe
from shared.process import Service
from shared.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker does: commands by routes, events by subscribers; and what it needs the broker for beside that."""

    routes: Sequence[Route] = ()
    subscribers: Sequence[Subscriber] = ()
    caller: Caller | None = None
    relays: Sequence[Relay] = ()


@asynccontextmanager
async def worker(role: str, settings: Settings, work: Work, probes: Sequence[Probe]) -> AsyncIterator[Service]:
    """Do the work of a role; it is ready while the broker and what `probes` look at are there."""
    server = Server(work.routes, slots=settings.slots)
    publish = Link(settings.amqp_url, f"{role} publish", _publishers(server, work))
    consume = Link(settings.amqp_url, f"{role} consume", _consumers(server, work))

    async def broker() -> str | None:
        return publish.problem or consume.problem

    async with publish, consume:
        drain = partial(_drain, server, work.subscribers, settings.drain_seconds)
        yield Service([Probe("broker", broker), *probes], drain)


def _publishers(server: Server, work: Work) -> list[Opener]:
    openers: list[Opener] = [server.replies.publishing]
    openers += [subscriber.publishing for subscriber in work.subscribers]
    openers += [relay.publishing for relay in work.relays]
    return openers + ([work.caller.publishing] if work.caller else [])


def _consumers(server: Server, work: Work) -> list[Opener]:
    # Replies first: handlers of events call others.
    openers: list[Opener] = [work.caller.replying] if work.caller else []
    openers += [server.consuming, *(subscriber.consuming for subscriber in work.subscribers)]
    # Not on the other link: a broker that is short of memory does not answer who publishes.
    followed = {subscriber.queue for subscriber in work.subscribers}
    return openers + [relay.watching for relay in work.relays if relay.queue not in followed]


async def _drain(server: Server, subscribers: Sequence[Subscriber], seconds: float) -> None:
    """Finish what was taken, commands and events side by side, for so many seconds at most."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(server.drain(), *(subscriber.drain() for subscriber in subscribers))
    except TimeoutError:
        logger.warning("drain cut short")
