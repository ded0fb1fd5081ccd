"""Upkeep: work behind the commands, repeated for as long as the process lives, whatever happens to the database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from shared.postgres.errors import DatabaseError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class Upkeep:
    """Repeats `work`, which returns the seconds until it is due again; `wake` makes it due at once.

    Each piece of work must be whole or undone by itself: at the end it is cut off wherever it stands. One that fails is
    due again after `retry_seconds`. Whoever wakes it often lets what there is to do gather for `rest_seconds`.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[float]],
        retry_seconds: float = _RETRY_SECONDS,
        *,
        rest_seconds: float = 0.0,
    ) -> None:
        self._name = name
        self._work = work
        self._retry_seconds = retry_seconds
        self._rest_seconds = rest_seconds
        self._woken = asyncio.Event()
        self._failing = ""

    def wake(self) -> None:
        """Say that there is something to do."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on until the block ends."""
        task = asyncio.create_task(self._run(), name=f"upkeep {self._name}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            seconds = await self._once()
            await asyncio.sleep(self._rest_seconds)
            await self._pause(seconds)

    async def _once(self) -> float:
        try:
            seconds = await self._work()
        except DatabaseError as error:
            self._failed("upkeep waits for the database", error.reason)
            return self._retry_seconds
        except Exception as error:  # noqa: BLE001 - a bug, but without upkeep the process would look well and do half
            self._failed("upkeep failed", type(error).__name__, error)
            return self._retry_seconds
        if self._failing:
            logger.info("upkeep goes on", extra={"upkeep": self._name})
            self._failing = ""
        return seconds

    def _failed(self, event: str, reason: str, error: Exception | None = None) -> None:
        """Log a failure, unless it follows one of the same reason."""
        if reason != self._failing:
            logger.warning(event, extra={"upkeep": self._name, "reason": reason}, exc_info=error)
        self._failing = reason

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
