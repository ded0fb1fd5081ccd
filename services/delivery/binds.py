"""Binds: who may be bound to a carrier, kept in the database, so that no carrier sees more binds than it allows.

A slot is held for some seconds and renewed before they end. A worker that cannot renew gives its slot up while it still
has it, by its own clock's seconds alone; the slot of a dead one is free when its time is over.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from services.delivery.store import SQL
from shared.mailbox.upkeep import Upkeep
from shared.postgres.errors import DatabaseError
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

logger = logging.getLogger(__name__)

_SECONDS = 2.0
_RETRY_SECONDS = 0.5


class Terms(NamedTuple):
    """Seconds: how long a slot is held, when it is renewed, how long unbinding takes, when more slots are taken.

    A worker waits before it takes a second slot of a carrier, so that others that start when it does get theirs.
    """

    lease: float
    renew: float
    unbind: float
    share: float


def terms_of(lease: float) -> Terms:
    """Return terms by which a slot is held for so many seconds."""
    return Terms(lease, renew=0.3 * lease, unbind=0.3 * lease, share=0.5 * lease)


class BindLease:
    """A slot of a carrier; `lost` is set when who is bound by it must unbind at once."""

    def __init__(
        self,
        carrier: str,
        slot: int,
        holder: str,
        release: Callable[["BindLease"], Awaitable[None]],
        *,
        unbind_seconds: float,
    ) -> None:
        self.carrier = carrier
        self.slot = slot
        self.holder = holder
        self.unbind_seconds = unbind_seconds
        self.lost = asyncio.Event()
        self._release = release
        self._until = float("-inf")
        self._end: asyncio.TimerHandle | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.carrier, self.slot

    @property
    def is_over(self) -> bool:
        """Whether its time is over, even where a process that stood still has not come to tell it."""
        return self.lost.is_set() or asyncio.get_running_loop().time() >= self._until

    def last(self, until: float) -> None:
        """Be lost at this time of the event loop, unless it is put off again."""
        self.stop()
        self._until = until
        self._end = asyncio.get_running_loop().call_at(until, self.lost.set)

    def stop(self) -> None:
        """Be lost at no time."""
        if self._end is not None:
            self._end.cancel()

    async def release(self) -> None:
        """Give the slot to others, when the bind is over."""
        await self._release(self)


class BindLeases:
    """The slots that this worker holds; while `running` they are renewed, and at its end they are given back."""

    def __init__(self, database: Database, terms: Terms) -> None:
        self._database = database
        self._queries = load_queries(SQL)
        self._terms = terms
        self._held: set[BindLease] = set()
        self._again: dict[str, float] = {}
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._renewing = Upkeep("binds", self._renew, retry_seconds=_RETRY_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep what is held until the block ends."""
        try:
            async with self._renewing.running():
                yield
        finally:
            await asyncio.gather(*(lease.release() for lease in [*self._held]))

    async def hold(self, carrier: str, slots: int) -> BindLease | None:
        """Return a slot of a carrier that allows so many; none while others have them all, or nobody can say."""
        sent_at = asyncio.get_running_loop().time()
        if sent_at < self._again.get(carrier, 0.0):
            return None
        # Of its own, so that nobody takes a slot that this worker lost for one that it has.
        holder = f"{self._name}:{uuid.uuid4().hex}"
        try:
            slot = await self._fetchval("take_bind", carrier, slots, holder, self._lease_ms)
        except DatabaseError as error:
            logger.warning("no bind, the database is away", extra={"carrier": carrier, "reason": error.reason})
            return None
        if slot is None:
            return None
        lease = BindLease(carrier, slot, holder, self._give_back, unbind_seconds=self._terms.unbind)
        lease.last(self._end(sent_at))
        self._held.add(lease)
        self._again[carrier] = sent_at + self._terms.share
        return lease

    async def _renew(self) -> float:
        """Put off the end of what is held; what is not ours any more is lost. Raise `DatabaseError`."""
        sent_at = asyncio.get_running_loop().time()
        # One that is lost is being given up, and must not be held on to.
        held = [lease for lease in self._held if not lease.lost.is_set()]
        if not held:
            return self._terms.renew
        columns = zip(*((lease.carrier, lease.slot, lease.holder) for lease in held), strict=True)
        query = self._queries["renew_binds"]
        rows = await self._database.fetch(query, *map(list, columns), self._lease_ms, timeout=_SECONDS)
        kept = {(row["carrier"], row["slot"]) for row in rows}
        for lease in held:
            if lease not in self._held:
                continue
            if lease.key in kept:
                lease.last(self._end(sent_at))
            else:
                logger.warning("a bind is somebody else's", extra={"carrier": lease.carrier, "slot": lease.slot})
                lease.lost.set()
        return self._terms.renew

    async def _give_back(self, lease: BindLease) -> None:
        lease.stop()
        if lease not in self._held:
            return
        self._held.discard(lease)
        self._again.pop(lease.carrier, None)
        try:
            await self._fetchval("release_bind", lease.carrier, lease.slot, lease.holder)
        except DatabaseError as error:
            # It is free when its time is over.
            logger.warning("bind not given back", extra={"carrier": lease.carrier, "reason": error.reason})

    def _end(self, sent_at: float) -> float:
        return sent_at + self._terms.lease - self._terms.unbind

    @property
    def _lease_ms(self) -> int:
        return round(1000 * self._terms.lease)

    async def _fetchval(self, query: str, *arguments: object) -> Any:
        return await self._database.fetchval(self._queries[query], *arguments, timeout=_SECONDS)
