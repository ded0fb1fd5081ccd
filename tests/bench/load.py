"""Closed loops, of HTTP connections and of calls, that cost little beside what they measure."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


def post(url: str, body: bytes) -> bytes:
    """Return the bytes of a POST request of JSON."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Figures:
    """What a run came to: its length, the answers that were not right, the connections lost, each answer's seconds."""

    seconds: float = 0.0
    refused: int = 0
    lost: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """Milliseconds within which that share of the answers came."""
        return statistics.quantiles(self.latencies, n=100)[percent - 1] * 1000


class _Connection(asyncio.Protocol):
    """Sends the next request when the last one is answered, until told to stop.

    With an `interval` it sends one every so many seconds, or at once where the last answer came later than that; what
    it waited for that answer counts.
    """

    def __init__(
        self, requests: Sequence[bytes], figures: Figures, accept: Callable[[bytes], bool], interval: float = 0.0
    ) -> None:
        self._requests = requests
        self._figures = figures
        self._accept = accept
        self._interval = interval
        self._next = 0
        self._sent = 0.0
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self.stopping = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(_HEAD_END)
        if not found:
            return
        start = head.lower().index(_LENGTH) + len(_LENGTH)
        length = int(head[start:].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self._figures.latencies.append(time.perf_counter() - self._sent)
        if not self._accept(rest):
            self._figures.refused += 1
        self._buffer = b""
        if self.stopping:
            self._transport.close()
        elif self._interval:
            due = self._sent + self._interval
            self._timer = asyncio.get_running_loop().call_later(due - time.perf_counter(), self._send, due)
        else:
            self._send(time.perf_counter())

    def connection_lost(self, _: Exception | None) -> None:
        if not self.stopping:
            self._figures.lost += 1
        if not self.done.done():
            self.done.set_result(None)

    def stop(self) -> None:
        """Close, behind the answer that is waited for if there is one."""
        self.stopping = True
        if self._timer:
            self._timer.cancel()
            self._transport.close()

    def _send(self, due: float) -> None:
        self._timer = None
        self._sent = due
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


async def closed_loop(
    port: int,
    requests: Sequence[Sequence[bytes]],
    seconds: float,
    accept: Callable[[bytes], bool],
    *,
    rate: float = 0.0,
) -> Figures:
    """Run one connection to 127.0.0.1 for each list of requests, each taking turns through its own list.

    With a `rate` they send so many requests a second together, evenly spread, instead of as many as are answered.
    """
    interval = len(requests) / rate if rate else 0.0
    figures = Figures()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections = []
    for own in requests:
        connect = partial(_Connection, own, figures, accept, interval)
        connections.append((await loop.create_connection(connect, "127.0.0.1", port))[1])
        await asyncio.sleep(interval / len(requests))
    await asyncio.sleep(seconds)
    figures.seconds = time.perf_counter() - began
    counted = len(figures.latencies)
    for connection in connections:
        connection.stop()
    await asyncio.wait([connection.done for connection in connections], timeout=10)
    del figures.latencies[counted:]
    return figures


async def closed_calls(
    call: Callable[[int, int], Awaitable[int]], width: int, seconds: float, *, commands: int = 1
) -> Figures:
    """Run `call(place, nth)` in so many tasks, each again when it is done; it returns how many answers were not right.

    One call stands for `commands` answers.
    """
    figures = Figures()
    began = time.perf_counter()

    async def run(place: int) -> None:
        nth = 0
        while (start := time.perf_counter()) < began + seconds:
            figures.refused += await call(place, nth)
            figures.latencies += [time.perf_counter() - start] * commands
            nth += 1

    async with asyncio.TaskGroup() as running:
        for place in range(width):
            running.create_task(run(place))
    figures.seconds = time.perf_counter() - began
    return figures
