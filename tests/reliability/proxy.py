"""A TCP proxy that can swallow everything, as a network does whose packets are lost."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from tests.copying import copy


class Proxy:
    """Forwards connections to a port of 127.0.0.1; while `dark()`, bytes of both directions are held back."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._light = asyncio.Event()
        self._light.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def dark(self) -> Iterator[None]:
        """Hold everything back for the length of the block; connections stay open, new ones too."""
        self._light.clear()
        try:
            yield
        finally:
            self._light.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(copy(source, sink, self._light))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
