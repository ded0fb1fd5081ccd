"""A carrier of the test's own that does what carriers do on bad days: refuses, throttles, hangs, drops its answers."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import web

# Longer than the worker waits.
_HANG_SECONDS = 10.0
FILE = """
[carriers.test]
kind = "http"
rate = {rate}
window = 50
unknown = "{policy}"
timeout_seconds = 2
url = "{url}"
body = {{ reference = "{{reference}}" }}
answer = {{ ids = "json.id", statuses = {{ 500 = "temporary" }} }}
[carriers.test.receipt]
secret = "env:HOOK_SECRET"
secret_in = "query.secret"
items = "json"
id = "item.id"
state = "item.state"
states = {{ ok = "delivered", no = "failed", late = "expired" }}
[[routes]]
carriers = ["test"]
"""


class Mood(Enum):
    """What the carrier does with a request."""

    TAKES = "takes"
    REFUSES = "refuses for good"
    BUSY = "busy"
    THROTTLES = "throttles"
    HANGS = "takes and hangs"
    DROPS = "takes and drops its answer"


# In parts of a thousand; what is left is taken.
_BAD_DAY = {Mood.REFUSES: 20, Mood.BUSY: 40, Mood.THROTTLES: 3, Mood.HANGS: 10, Mood.DROPS: 20}

Taken = Callable[[str], Awaitable[None]]


async def _nothing(_: str) -> None:
    return


@dataclass
class TextCarrier:
    """Counts by reference what it took; `taken` is awaited before it answers."""

    seed: int
    bad: bool
    taken: Taken = _nothing
    took: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    moods: Counter[Mood] = field(default_factory=Counter)
    times: dict[str, float] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"
        try:
            yield
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        # Behind the installation's name stands the number of the job.
        reference = str(json.loads(await request.read())["reference"]).rpartition("-")[2]
        mood = self._mood()
        self.moods[mood] += 1
        if mood is Mood.REFUSES:
            self.refused[reference] += 1
            return web.Response(status=422)
        if mood is Mood.BUSY:
            return web.Response(status=500)
        if mood is Mood.THROTTLES:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return await self._take(reference, mood, request)

    async def _take(self, reference: str, mood: Mood, request: web.Request) -> web.Response:
        self.took[reference] += 1
        self.times.setdefault(reference, time.time())
        await self.taken(reference)
        if mood is Mood.HANGS:
            await asyncio.sleep(_HANG_SECONDS)
        if mood is Mood.DROPS and request.transport is not None:
            request.transport.abort()
        return web.json_response({"id": f"c-{reference}"})

    def _mood(self) -> Mood:
        if not self.bad:
            return Mood.TAKES
        left = self._dice.randrange(1000)
        for mood, share in _BAD_DAY.items():
            left -= share
            if left < 0:
                return mood
        return Mood.TAKES
