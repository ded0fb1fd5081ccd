"""Runs coroutines for tests that are not coroutines."""

import asyncio
from collections.abc import Awaitable
from threading import Thread
from types import TracebackType
from typing import Self, TypeVar

Result = TypeVar("Result")


class Aside:
    """A loop in a thread of its own, for the loop of the calling one belongs to others."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, awaitable: Awaitable[Result]) -> Result:
        """Wait until it is done; any thread may."""
        return asyncio.run_coroutine_threadsafe(_result(awaitable), self._loop).result()


async def _result(awaitable: Awaitable[Result]) -> Result:
    return await awaitable
