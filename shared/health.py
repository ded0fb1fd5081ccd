"""Health: `/livez`, `/readyz`, `/startupz` and `/metrics` on a private port of every process."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

logger = logging.getLogger(__name__)

_CONNECTED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Looks at one dependency: `look` returns what is wrong, or None. One that is not decisive is only reported."""

    name: str
    look: Callable[[], Awaitable[str | None]]
    decisive: bool = True


class Health:
    """The health of one process: alive while its event loop answers, ready while no decisive probe complains."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
        self._started = False
        self._connected_at = time.monotonic() + _CONNECTED_SECONDS
        self._known: dict[str, str] = {}
        self.draining = False

    async def serve(self, host: str, port: int) -> web.AppRunner:
        """Serve the health endpoints until the returned runner is cleaned up."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/startupz", self._startupz),
                web.get("/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner

    async def _livez(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def look(self) -> dict[str, str]:
        """Return what the probes complain of, and log what is new of it, once there was time to connect."""
        found = {probe.name: await probe.look() for probe in self._probes}
        problems = {name: problem for name, problem in found.items() if problem}
        if time.monotonic() < self._connected_at:
            return problems
        for name, problem in problems.items():
            if self._known.get(name) != problem:
                logger.warning("probe complains", extra={"probe": name, "problem": problem})
        for name in self._known.keys() - problems.keys():
            logger.info("probe is content again", extra={"probe": name})
        self._known = problems
        return problems

    async def look_after_start(self) -> None:
        """Look once by itself: without it nobody may learn why a process is not ready."""
        await asyncio.sleep(_CONNECTED_SECONDS)
        await self.look()

    async def _readyz(self, _: web.Request) -> web.Response:
        problems = await self.look()
        ready = not self.draining and not any(probe.decisive and probe.name in problems for probe in self._probes)
        self._started = self._started or ready
        body = {"ready": ready, "draining": self.draining, "problems": problems}
        return web.Response(body=orjson.dumps(body), content_type="application/json", status=200 if ready else 503)

    async def _startupz(self, request: web.Request) -> web.Response:
        if self._started:
            return web.Response(text="started\n")
        return await self._readyz(request)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
