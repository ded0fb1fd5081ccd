"""The carriers of the bench: they take every text at once. `python -m tests.bench.carrier PORT`."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson
from aiohttp import web

from deploy.local.state import free_port
from tests.bench.children import child

# Recipients whose numbers begin so are reached by SMPP.
SMPP_PREFIX = "436990009"

# It gives receipts, as carriers do, so that texts stay accepted; here it brings none.
_FILE = """
[carriers.bench]
kind = "http"
rate = 10000
window = 100
url = "http://127.0.0.1:{port}/"
body = {{ reference = "{{reference}}", from = "{{sender}}", to = "{{recipient}}", text = "{{text}}" }}
answer = {{ ids = "json.id" }}
[carriers.bench.receipt]
secret = "env:BENCH_HOOK_SECRET"
secret_in = "query.secret"
items = "json"
id = "item.id"
state = "item.state"
states = {{ ok = "delivered" }}
[carriers.smpp]
kind = "smpp"
host = "127.0.0.1"
port = {smpp_port}
system_id = "bench"
password = "env:BENCH_HOOK_SECRET"
rate = 10000
window = 10
[[routes]]
prefix = "{smpp_prefix}"
carriers = ["smpp"]
[[routes]]
carriers = ["bench"]
"""


class BenchCarriers(NamedTuple):
    """Running carriers: their processes by name, and the file that says where they are."""

    pids: Mapping[str, int]
    file: Path


@contextmanager
def bench_carriers(folder: Path) -> Iterator[BenchCarriers]:
    """Run them until the block ends, with their file in a folder."""
    port, smpp_port, file = free_port(), free_port(), folder / "bench-carriers.toml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(_FILE.format(port=port, smpp_port=smpp_port, smpp_prefix=SMPP_PREFIX), encoding="utf-8")
    with child("carrier", str(port)) as pid, child("smpp.smsc", str(smpp_port)) as smsc_pid:
        yield BenchCarriers({"carrier": pid, "smsc": smsc_pid}, file)


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    reference = orjson.loads(await request.read())["reference"]
    return web.Response(body=orjson.dumps({"id": reference}), headers={"Content-Type": "application/json"})


async def _main(port: int) -> None:
    runner = web.ServerRunner(web.Server(_answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
