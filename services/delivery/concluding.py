"""Concluding: what became of submissions is kept, whatever the database does meanwhile."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from services.delivery import measures
from services.delivery.batches import Batches
from services.delivery.carriers.carrier import Accepted, Outcome
from services.delivery.conclusions import Conclusions, Sent
from services.delivery.jobs import Conclusion, JobState
from services.delivery.store import Store
from shared.postgres.errors import DatabaseError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
# What carriers answer meanwhile is kept together: a statement costs as much as ten answers in it, and nobody waits.
_REST_SECONDS = 0.015


class Concluding:
    """Keeps conclusions; `concluded` is told in which states there are jobs now."""

    def __init__(
        self, store: Store, conclusions: Conclusions, concluded: Callable[[Collection[JobState]], None]
    ) -> None:
        self._store = store
        self._conclusions = conclusions
        self._concluded = concluded
        self._took: set[str] = set()
        self._batches = Batches(self._keep, rest_seconds=_REST_SECONDS)

    def took(self) -> set[str]:
        """Return which carriers took something since this was asked last."""
        took, self._took = self._took, set()
        return took

    async def conclude(self, sent: Sent, outcome: Outcome, *, is_answer: bool = True) -> None:
        """Return when it is kept what became of a submission; `is_answer` if its own worker says so."""
        if isinstance(outcome, Accepted):
            self._took.add(sent.carrier)
        await self._batches.do(_Drawn(self._conclusions.draw(sent, outcome), sent, outcome, is_answer))

    async def _keep(self, drawn: Sequence["_Drawn"]) -> None:
        conclusions = [each.conclusion for each in drawn]
        while True:
            try:
                lost = await self._store.conclude(conclusions)
            except DatabaseError as error:
                logger.warning("what became of submissions waits for the database", extra={"reason": error.reason})
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        for conclusion, sent, outcome, is_answer in drawn:
            if conclusion[:2] not in lost:
                if not sent.was_unknown:
                    measures.submitted(sent.carrier, outcome)
            elif is_answer:
                # Said too late: it was taken for unknown in the meantime.
                measures.concluded_late()
        self._concluded({each.state for each in conclusions})


class _Drawn(NamedTuple):
    conclusion: Conclusion
    sent: Sent
    outcome: Outcome
    is_answer: bool
