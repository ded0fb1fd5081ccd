"""Concluding: what became of submissions is kept, whatever the database does meanwhile."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from services.delivery import measures
from services.delivery.batches import Batches
from services.delivery.carriers.carrier import Outcome
from services.delivery.conclusions import Conclusions, Sent
from services.delivery.jobs import Conclusion
from services.delivery.store import Store
from shared.postgres.errors import DatabaseError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5


class Concluding:
    """Keeps conclusions; `ended` is told when there are jobs of which a mailbox has to know."""

    def __init__(self, store: Store, conclusions: Conclusions, ended: Callable[[], None]) -> None:
        self._store = store
        self._conclusions = conclusions
        self._ended = ended
        self._batches = Batches(self._keep)

    async def conclude(self, sent: Sent, outcome: Outcome) -> None:
        """Return when it is kept what became of a submission."""
        measures.submitted(sent.carrier, outcome)
        await self._batches.do(self._conclusions.draw(sent, outcome))

    async def _keep(self, conclusions: Sequence[Conclusion]) -> None:
        while True:
            try:
                lost = await self._store.conclude(conclusions)
            except DatabaseError as error:
                logger.warning("what became of submissions waits for the database", extra={"reason": error.reason})
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        if lost:
            # Said too late: they were taken for unknown in the meantime.
            measures.concluded_late(len(lost))
        self._ended()
