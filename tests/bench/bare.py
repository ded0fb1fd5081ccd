"""Yardstick: a bare aiohttp handler that reads JSON and writes the sample. `python -m tests.bench.bare PORT`."""

import asyncio
import sys

import orjson
from aiohttp import web

from tests.bench.scenarios import SCENARIOS

_SAMPLES = {scenario.path: scenario.sample for scenario in SCENARIOS}


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    tree = orjson.loads(await request.read())
    sample = _SAMPLES[request.path] if "apiKey" in tree else {}
    body = orjson.dumps({"errorCode": 0, **sample})
    return web.Response(body=body, headers={"Content-Type": "application/json; charset=utf-8"})


async def _main(port: int) -> None:
    runner = web.ServerRunner(web.Server(_answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
