"""The carriers of the bench: they take every text at once. `python -m tests.bench.carrier PORT`."""

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from deploy.local.ports import free_port
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
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


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


class _Taking(asyncio.Protocol):
    """Answers each request with the reference as id; as cheap as the bench's own connections, whose CPU it shares."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        answer = orjson.dumps({"id": orjson.loads(body)["reference"]})
        self._transport.write(_HEAD % len(answer) + answer)


async def _main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Taking, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
