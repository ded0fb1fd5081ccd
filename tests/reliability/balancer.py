"""A TCP balancer that follows readiness as Kubernetes does: late, and without a second try for anybody."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp

from tests.copying import copy


class Backend(NamedTuple):
    """Where a gateway serves, and where it tells whether it is ready."""

    port: int
    health_port: int


class Balancer:
    """Gives each connection to the next of those that were ready at the last look, one look each `period` seconds."""

    def __init__(self, backends: Sequence[Backend], period: float) -> None:
        self._period = period
        self.backends = backends
        self._turns = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self.ready: list[Backend] = []
        self.refused: list[str] = []
        self.given: Counter[int] = Counter()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in (self._looking, *self._tasks):
            task.cancel()
        await asyncio.gather(self._looking, *self._tasks, return_exceptions=True)
        await self._session.close()

    async def _look(self) -> None:
        while True:
            found = await asyncio.gather(*(self._is_ready(backend) for backend in self.backends))
            self.ready = [backend for backend, ready in zip(self.backends, found, strict=True) if ready]
            await asyncio.sleep(self._period)

    async def _is_ready(self, backend: Backend) -> bool:
        try:
            async with self._session.get(f"http://127.0.0.1:{backend.health_port}/readyz") as answer:
                return answer.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.ready:
            self.refused.append("nobody was ready")
            writer.close()
            return
        backend = self.ready[next(self._turns) % len(self.ready)]
        self.given[backend.port] += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", backend.port)
        except OSError as error:
            self.refused.append(f"{backend.port}: {error}")
            writer.close()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(copy(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
