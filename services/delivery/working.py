"""Working: everything that a delivery worker does beside commands and events, put together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from services.delivery.choosing import Choosing
from services.delivery.concluding import Concluding
from services.delivery.conclusions import Conclusions, Patience
from services.delivery.diverting import Diverting
from services.delivery.jobs import JobState
from services.delivery.reach import Reach, Ways
from services.delivery.submitting import Submitting
from services.delivery.telling import Telling
from services.delivery.tidying import Tidying
from shared.mailbox.upkeep import Upkeep
from shared.settings import Settings

logger = logging.getLogger(__name__)

_DAY_MS = 86_400_000
# How long after a message's time its receipts may still come.
_RECEIPT_MS = _DAY_MS
_CARRIERS_SECONDS = 1.0
_REROUTED = 500
# Whatever a worker does wakes these: a look costs as much as several jobs.
_CHOOSING_REST_SECONDS = 0.03
_TELLING_REST_SECONDS = 0.05


def validity_ms(settings: Settings) -> int:
    """Return for how long after its date a text is sent."""
    return 1000 * settings.delivery_validity_seconds


class Working:
    """The loops of a worker.

    `kept` and `ended` tell it for which carriers there are new jobs, '' for none yet, and that some may have ended.
    """

    def __init__(self, settings: Settings, reach: Reach, ways: Ways) -> None:
        self._lease_seconds = settings.delivery_lease_seconds
        self._store = reach.store
        self._ways = ways
        patience = Patience(settings.delivery_attempts, round(1000 * settings.delivery_retry_seconds), _RECEIPT_MS)
        self._concluding = Concluding(reach.store, Conclusions(patience, ways.carriers), self._concluded)
        self._telling = Upkeep(
            "telling",
            Telling(reach.mailbox, reach.store).round,
            retry_seconds=1.0,
            rest_seconds=_TELLING_REST_SECONDS,
        )
        choosing = Choosing(
            reach,
            ways.carriers,
            validity_ms=validity_ms(settings),
            routed=self._routed,
            ended=self.ended,
        )
        self._choosing = Upkeep("choosing", choosing.round, retry_seconds=1.0, rest_seconds=_CHOOSING_REST_SECONDS)
        history_ms = settings.delivery_history_days * _DAY_MS
        tidying = Tidying(reach.store, ways.carriers, self._concluding, self.ended, history_ms=history_ms)
        diverting = Diverting(reach.store, ways.carriers, took=self._concluding.took, diverted=self._routed)
        self._tidying = [
            Upkeep("lost submissions", tidying.recover),
            Upkeep("receipts", tidying.receipts),
            Upkeep("missing receipts", tidying.overdue),
            Upkeep("closed carriers", tidying.expire),
            Upkeep("carriers away", diverting.round),
            Upkeep("history", tidying.sweep),
            Upkeep("due jobs", tidying.measure),
        ]
        self._submitting: dict[str, Submitting] = {}
        self._loops = AsyncExitStack()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on until the block ends."""
        async with self._loops as loops:
            for loop in (self._choosing, self._telling, *self._tidying, Upkeep("carriers", self._follow)):
                await loops.enter_async_context(loop.running())
            yield

    def kept(self, carriers: Collection[str] = ("",)) -> None:
        for name in carriers:
            if not name:
                self._choosing.wake()
            elif name in self._submitting:
                self._submitting[name].upkeep.wake()

    def ended(self) -> None:
        self._telling.wake()

    async def drain(self, seconds: float) -> None:
        """Submit nothing more, and finish what was submitted, for so many seconds at most."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(each.drain() for each in self._submitting.values()))
        except TimeoutError:
            logger.warning("drain of carriers cut short")

    async def _follow(self) -> float:
        """Submit by carriers that are new, and take their jobs from those that are gone."""
        carriers = self._ways.carriers
        for name in carriers.names:
            if name not in self._submitting:
                submitting = Submitting(
                    name, self._ways, self._store, self._concluding, lease_seconds=self._lease_seconds
                )
                self._submitting[name] = submitting
                await self._loops.enter_async_context(submitting.upkeep.running())
        if carriers.has_file and await self._store.reroute(carriers.names, _REROUTED):
            self._choosing.wake()
        return _CARRIERS_SECONDS

    def _routed(self) -> None:
        for each in self._submitting.values():
            each.upkeep.wake()

    def _concluded(self, states: Collection[JobState]) -> None:
        if "waiting" in states:
            # What is tried again may be due, with another carrier too.
            self._routed()
        if "ending" in states:
            self._telling.wake()
