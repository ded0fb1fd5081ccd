"""Parts: an inbound message that a carrier brings in parts is put together, and passed on once.

Parts are kept before the carrier is told that they arrived. What is not whole in time is passed on as it is, with a
mark where something is missing.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from services.delivery import measures
from services.delivery.carriers.carrier import Arrivals, Inbound, InboundPart
from services.delivery.storable import storable
from services.delivery.store import SQL
from shared.contract.faults import Away
from shared.mailbox.upkeep import Upkeep
from shared.postgres.errors import DatabaseError
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

logger = logging.getLogger(__name__)

MISSING = "[...]"
_SECONDS = 5.0
_MOST = 50
_LEASE_MS = 30_000
_POLL_SECONDS = 1.0
_AWAY_SECONDS = 5.0
_SWEEP_SECONDS = 60.0
# What failed so often, each time when a lease was over, fails for what it is.
_MOST_FAILURES = 10
# So long after its message was passed on, a part is the same one again, which a carrier brings that was not answered.
# Longer, and parts of another message would be taken for it: a phone has 256 references.
_KNOWN_MS = 15 * 60_000


class Joining(NamedTuple):
    """Parts of one message, by their numbers from 1; `name` is its own, `at` the date of the first that came."""

    joining_id: int
    carrier: str
    name: str
    sender: str
    destination: str
    total: int
    at: int
    texts: Mapping[int, bytes]

    @property
    def is_whole(self) -> bool:
        return len(self.texts) == self.total

    def inbound(self) -> Inbound:
        """Return the message, with a mark for each row of missing parts."""
        joined = "".join(map(self._piece, range(1, self.total + 1)))
        # Halves of a character that two parts had are one again.
        text = joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return Inbound(self.carrier, f"parts-{self.name}", self.sender, self.destination, text, self.at)

    def _piece(self, number: int) -> str:
        """Return the text of a part; of missing ones the first has the mark for its neighbours."""
        if number in self.texts:
            return self.texts[number].decode("utf-8", "surrogatepass")
        return MISSING if number == 1 or number - 1 in self.texts else ""


class KeptParts:
    """The tables of parts. Everything raises `DatabaseError`."""

    def __init__(self, database: Database, patience_ms: int) -> None:
        self._database = database
        self._patience_ms = patience_ms
        self._queries = load_queries(SQL)

    async def keep(self, part: InboundPart) -> bool:
        """Keep a part; return whether its message is whole now. The same one again has no effect."""
        whole = await self._database.fetchval(
            self._queries["keep_part"],
            storable(part.carrier),
            storable(part.sender),
            storable(part.destination),
            part.reference,
            part.total,
            part.number,
            part.text.encode("utf-8", "surrogatepass"),
            part.at,
            self._patience_ms,
            _KNOWN_MS,
            timeout=_SECONDS,
        )
        return bool(whole)

    async def due(self, most: int, lease_ms: int) -> list[Joining]:
        """Take what is whole, or has waited long enough."""
        rows = await self._database.fetch(self._queries["due_joinings"], most, lease_ms, timeout=_SECONDS)
        return [
            Joining(
                row["id"], row["carrier"], row["name"], row["sender"], row["destination"], row["total"], row["at"],
                dict(zip(row["numbers"], row["bodies"], strict=True)),
            )
            for row in rows
        ]  # fmt: skip

    async def joined(self, joining: Joining) -> None:
        """Say that it was passed on."""
        await self._database.fetch(self._queries["joined"], [joining.joining_id], timeout=_SECONDS)

    async def failed(self, joining: Joining) -> int:
        """Count that it could not be passed on for what it is; return how often that was."""
        return int(await self._database.fetchval(self._queries["fail_joining"], joining.joining_id, timeout=_SECONDS))

    async def bury(self, joining: Joining) -> None:
        """Keep it as a message to nobody, and pass it on no more."""
        await self._database.fetch(self._queries["bury_joining"], joining.joining_id, timeout=_SECONDS)

    async def sweep(self, age_ms: int, most: int) -> int:
        """Forget what was passed on so many ms ago; return how many."""
        return int(await self._database.fetchval(self._queries["sweep_joined"], age_ms, most, timeout=_SECONDS))


class Passing:
    """Rounds that pass on what is whole or late; several workers may do so side by side."""

    def __init__(self, parts: KeptParts, arrivals: Arrivals) -> None:
        self._parts = parts
        self._arrivals = arrivals
        self._loops = (Upkeep("parts", self.round, retry_seconds=1.0), Upkeep("old parts", self.sweep))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on until the block ends."""
        async with AsyncExitStack() as stack:
            for loop in self._loops:
                await stack.enter_async_context(loop.running())
            yield

    async def keep(self, part: InboundPart) -> None:
        """Keep a part, before the carrier is told that it arrived."""
        if await self._parts.keep(part):
            self._loops[0].wake()

    async def round(self) -> float:
        """Pass some on; return the seconds until the next round. Raise `DatabaseError`."""
        joinings = await self._parts.due(_MOST, _LEASE_MS)
        for joining in joinings:
            try:
                await self._pass_on(joining)
            except DatabaseError:
                raise
            except Away:
                return _AWAY_SECONDS
            except Exception:
                logger.exception("parts were not passed on", extra={"carrier": joining.carrier})
                await self._failed(joining)
        return 0.0 if joinings else _POLL_SECONDS

    async def _pass_on(self, joining: Joining) -> None:
        # Twice the same is once, by its name; what fails comes again when its time is over.
        await self._arrivals.inbound(joining.inbound())
        await self._parts.joined(joining)
        measures.joined(whole=joining.is_whole)

    async def _failed(self, joining: Joining) -> None:
        if await self._parts.failed(joining) >= _MOST_FAILURES:
            await self._parts.bury(joining)
            measures.buried()

    async def sweep(self) -> float:
        """Forget what is old."""
        return 0.0 if await self._parts.sweep(_KNOWN_MS, _MOST) == _MOST else _SWEEP_SECONDS
