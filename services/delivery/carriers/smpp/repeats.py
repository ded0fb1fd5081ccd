"""Repeats: whether a message that comes is the one that came before, since SMPP gives messages no ids.

A carrier brings again what it got no answer to, mostly over another link and so to any worker. Who says the same twice
has two messages. What was said and answered is remembered where all workers see it.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from services.delivery.carriers.place import Heard
from shared.postgres.errors import DatabaseError

# An answer that was written a moment before its worker died may never have left.
_SURE_SECONDS = 1.0
_TRIES = 5
_RETRY_SECONDS = 1.0


class Origin(Protocol):
    """The link over which a message came, by a name that no other has, and its end."""

    @property
    def name(self) -> str: ...

    @property
    def ended(self) -> asyncio.Event: ...


class Came(NamedTuple):
    """A message that came: a digest of what it says, its id and its link."""

    said: str
    inbound_id: str
    origin: Origin


class Repeats:
    """Gives ids to messages of a carrier by what they say."""

    def __init__(self, carrier: str, heard: Heard) -> None:
        self._carrier = carrier
        self._heard = heard
        self._watched: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def came(self, said: bytes, origin: Origin) -> Came:
        """Return what came over a link, with the id that it had if it came before; raise `DatabaseError`."""
        key = hashlib.sha256(said).hexdigest()[:40]
        came = Came(key, await self._heard.id_of(self._carrier, key, origin.name), origin)
        if origin.name not in self._watched:
            self._watched.add(origin.name)
            self._start(self._watch(origin))
        return came

    async def refused(self, came: Came) -> None:
        """Note that the carrier is told that it is not kept, so that it may bring it again."""
        with contextlib.suppress(DatabaseError):
            await self._heard.answered(self._carrier, came.said, came.inbound_id, 0, kept=False)

    def answered(self, came: Came) -> None:
        """Note that the carrier is told that it is kept."""
        self._start(self._answered(came, time.monotonic()))

    async def close(self) -> None:
        """Finish what is to be noted; the links have ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _answered(self, came: Came, at: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SURE_SECONDS):
                await came.origin.ended.wait()

        def note() -> Awaitable[None]:
            ago_ms = round(1000 * (time.monotonic() - at))
            return self._heard.answered(self._carrier, came.said, came.inbound_id, ago_ms, kept=True)

        await _noted(note)

    async def _watch(self, origin: Origin) -> None:
        await origin.ended.wait()
        self._watched.discard(origin.name)
        await _noted(lambda: self._heard.ended(origin.name))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _noted(note: Callable[[], Awaitable[None]]) -> None:
    """Note it, now or a little later; what is not noted only makes a message come twice, or once."""
    for _ in range(_TRIES):
        try:
            await note()
        except DatabaseError:
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
