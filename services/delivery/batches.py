"""Batches: what many want done one by one is done together, with what has gathered while the last batch ran."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from shared.contract.faults import Away

T = TypeVar("T")

_MOST = 200
_Waiting: TypeAlias = tuple[T, "asyncio.Future[None]"]


class Batches(Generic[T]):
    """Does `work` on items; an item alone is done at once.

    A batch that fails is done again item by item, so that nobody suffers for another's; where something is away, each
    caller is told. After a batch the next one gathers for `rest_seconds`.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[object]], *, rest_seconds: float = 0.0) -> None:
        self._work = work
        self._rest_seconds = rest_seconds
        self._waiting: list[_Waiting[T]] = []
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
            if not await self._done(batch):
                for each in batch:
                    await self._done([each])
            await asyncio.sleep(self._rest_seconds)

    async def _done(self, batch: Sequence[_Waiting[T]]) -> bool:
        """Do a batch and tell its callers; return whether they know."""
        try:
            await self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits for it shall know
            if len(batch) > 1 and not isinstance(error, Away):
                return False
            _settle(batch, error)
        else:
            _settle(batch, None)
        return True


def _settle(batch: Sequence[_Waiting[T]], error: Exception | None) -> None:
    for _, future in batch:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
