"""Health: `/livez`, `/readyz`, `/startupz` and `/metrics` on a private port of every process."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


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

    async def _readyz(self, _: web.Request) -> web.Response:
        problems = {probe.name: await probe.look() for probe in self._probes}
        decisive = [probe.name for probe in self._probes if probe.decisive and problems[probe.name]]
        ready = not decisive and not self.draining
        self._started = self._started or ready
        body = {"ready": ready, "draining": self.draining, "problems": {k: v for k, v in problems.items() if v}}
        return web.Response(body=orjson.dumps(body), content_type="application/json", status=200 if ready else 503)

    async def _startupz(self, request: web.Request) -> web.Response:
        if self._started:
            return web.Response(text="started\n")
        return await self._readyz(request)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
