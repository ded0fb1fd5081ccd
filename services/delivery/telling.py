"""Telling: the mailbox learns what became of a send when its job has ended."""

import time
from collections.abc import Sequence

from services.delivery import measures
from services.delivery.jobs import Untold
from services.delivery.store import Store
from services.delivery.twins import waited
from shared.contract.faults import Fault
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Settlement

_MOST = 200
# Then another one tells it; told twice it changes nothing.
_LEASE_MS = 5_000
_SECONDS = 5.0
_POLL_SECONDS = 0.5


class Telling:
    """Tells mailboxes; a job is done when its message says so."""

    def __init__(self, mailbox: Mailbox, store: Store) -> None:
        self._mailbox = mailbox
        self._store = store

    async def round(self) -> float:
        """Tell of some; return the seconds until the next round. Raise `DatabaseError`."""
        jobs = await self._store.untold(_MOST, _LEASE_MS)
        if not jobs:
            return _POLL_SECONDS
        told = await self._told(jobs)
        await self._store.told(told)
        measures.told(told)
        return 0.0

    async def _told(self, jobs: Sequence[Untold]) -> list[Untold]:
        settlements = [Settlement(job.account_id, job.message_id, job.status, None, job.ended_at) for job in jobs]
        terms = [Terms(time.monotonic() + _SECONDS, "settle")] * len(settlements)
        outcomes = await waited(await self._mailbox.settle(settlements, terms))
        return [job for job, outcome in zip(jobs, outcomes, strict=True) if not isinstance(outcome, Fault)]
