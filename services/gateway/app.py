"""The gateway: the only server of the public API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from services.gateway.admission import Admission
from services.gateway.authenticate import Authenticator
from services.gateway.endpoints import endpoints
from services.gateway.http_server import serve
from services.gateway.limits import Limiter
from services.gateway.pipeline import Pipeline
from shared.bus.caller import Caller
from shared.bus.link import Link
from shared.bus.revocations import RevocationListener
from shared.contract.catalogue import OPERATIONS
from shared.health import Probe
from shared.process import Service
from shared.settings import Settings


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Service]:
    """Run the gateway: links to the broker first, then the HTTP server."""
    queues = {operation.queue for operation in OPERATIONS}
    caller = Caller(
        queues,
        waiting_per_queue=settings.waiting_per_queue,
        waiting_total=settings.waiting_total,
        budget=settings.budget_seconds,
    )
    authenticator = Authenticator(caller, seconds=settings.authentication_cache_seconds)
    revocations = RevocationListener(authenticator.on_revoked, authenticator.on_hearing, authenticator.on_deaf)
    limiter = Limiter(settings)
    admission = Admission(authenticator, limiter)
    pipeline = Pipeline(endpoints(OPERATIONS), admission, limiter, caller, settings)
    async with AsyncExitStack() as running:
        publish = Link(settings.amqp_url, "gateway publish", [caller.publishing])
        receive = Link(settings.amqp_url, "gateway receive", [caller.replying, revocations.listening])
        await running.enter_async_context(publish)
        await running.enter_async_context(receive)
        await running.enter_async_context(limiter)
        await running.enter_async_context(pipeline.unsent.watching())
        runner = await serve(pipeline, settings)
        running.push_async_callback(runner.cleanup)
        yield Service(_probes(publish, receive, caller, limiter), partial(_leave, pipeline, settings.leave_seconds))


async def _leave(pipeline: Pipeline, seconds: float) -> None:
    # No longer ready, it goes on for a moment: balancers look away late, and an answer ends its connection.
    pipeline.draining = True
    await asyncio.sleep(seconds)
    pipeline.bodies.leave()


def _probes(publish: Link, receive: Link, caller: Caller, limiter: Limiter) -> list[Probe]:
    async def was_up() -> str | None:
        return None if publish.was_up.is_set() and receive.was_up.is_set() else "never connected to the broker"

    async def is_up() -> str | None:
        return publish.problem or receive.problem

    async def consumed() -> str | None:
        idle = [queue for queue, lane in caller.lanes.items() if not lane.consumers]
        return f"nobody consumes {', '.join(sorted(idle))}" if idle else None

    # A gateway whose broker is down stays ready: it answers 99, where a refused connection would say nothing.
    return [
        Probe("broker_once", was_up),
        Probe("broker", is_up, decisive=False),
        Probe("workers", consumed, decisive=False),
        Probe("limits", limiter.problem, decisive=False),
    ]
