"""Working: everything that a delivery worker does beside commands and events, put together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from services.delivery.carriers.carrier import Carrier
from services.delivery.choosing import Choosing
from services.delivery.concluding import Concluding
from services.delivery.conclusions import Conclusions, Patience
from services.delivery.reach import Reach, Ways
from services.delivery.submitting import Submitting
from services.delivery.telling import Telling
from services.delivery.tidying import Tidying
from shared.contract import dates
from shared.mailbox.upkeep import Upkeep
from shared.settings import Settings

logger = logging.getLogger(__name__)

# The operator's day between the end of a message's time and that of its receipts.
_RECEIPT_MS = 86_400_000
_DAY_MS = 86_400_000


class Line(NamedTuple):
    """A carrier, and whether receipts come from it."""

    carrier: Carrier
    gives_receipts: bool


class Working:
    """The loops of a worker over its mailbox, store and carriers."""

    def __init__(self, settings: Settings, reach: Reach, ways: Ways, lines: Mapping[str, Line]) -> None:
        patience = Patience(settings.delivery_attempts, round(1000 * settings.delivery_retry_seconds), _RECEIPT_MS)
        conclusions = Conclusions(
            patience, lambda job, tried: ways.routes.choose(job.recipient, job.sender, tried), dates.now
        )
        store = reach.store
        concluding = Concluding(store, conclusions, self._concluded)
        self._telling = Upkeep("telling", Telling(reach.mailbox, store).round, retry_seconds=1.0)
        choosing = Choosing(
            reach,
            ways,
            validity_ms=1000 * settings.delivery_validity_seconds,
            routed=self._routed,
            ended=self.ended,
        )
        self._choosing = Upkeep("choosing", choosing.round, retry_seconds=1.0)
        self._submitting = [
            Submitting(
                line.carrier, store, concluding,
                gives_receipts=line.gives_receipts, lease_seconds=settings.delivery_lease_seconds,
            )
            for line in lines.values()
        ]  # fmt: skip
        tidying = Tidying(store, concluding, self.ended, history_ms=settings.delivery_history_days * _DAY_MS)
        tidying.unknown_policies = {name: line.carrier.unknown_policy for name, line in lines.items()}
        self._tidying = [
            Upkeep("lost submissions", tidying.recover),
            Upkeep("receipts", tidying.receipts),
            Upkeep("history", tidying.sweep),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on until the block ends."""
        loops = [self._choosing, self._telling, *(each.upkeep for each in self._submitting), *self._tidying]
        async with AsyncExitStack() as stack:
            for loop in loops:
                await stack.enter_async_context(loop.running())
            yield

    def kept(self) -> None:
        """Say that there are new jobs."""
        self._choosing.wake()

    def ended(self) -> None:
        """Say that jobs have ended of which mailboxes have to know."""
        self._telling.wake()

    async def drain(self, seconds: float) -> None:
        """Submit nothing more, and finish what was submitted, for so many seconds at most."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(each.drain() for each in self._submitting))
        except TimeoutError:
            logger.warning("drain of carriers cut short")

    def _routed(self) -> None:
        for each in self._submitting:
            each.upkeep.wake()

    def _concluded(self) -> None:
        # What is tried again may be due, with another carrier too.
        self._routed()
        self._telling.wake()
