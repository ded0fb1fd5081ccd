"""Batches: what many want done one by one is done together, with what has gathered while the last batch ran."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 200


class Batches(Generic[T]):
    """Does `work` on items; an item alone is done at once. What a batch raises, each of its callers gets."""

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[object]]) -> None:
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def do(self, item: T) -> None:
        """Return when the item is done; one that is cancelled meanwhile may be done all the same."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            try:
                await self._work([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - whoever waits for it shall know
                _settle(batch, error)
            else:
                _settle(batch, None)


def _settle(batch: Sequence[tuple[T, "asyncio.Future[None]"]], error: Exception | None) -> None:
    for _, future in batch:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
