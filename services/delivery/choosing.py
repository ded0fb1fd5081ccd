"""Choosing: what is due goes to the mailbox of an account, to the carrier that the routes name, or nowhere."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from services.delivery.guards import MOST_CHARACTERS, Reason
from services.delivery.jobs import DueJob, Ended, Routed
from services.delivery.reach import Carriers, Reach
from services.delivery.twins import Twin, waited
from shared.contract import dates
from shared.contract.faults import Away, Fault
from shared.mailbox.sends import Send
from shared.mailbox.terms import Terms
from shared.mailbox.writes import Settlement
from shared.postgres.errors import DatabaseError

logger = logging.getLogger(__name__)

_MOST = 200
# Those of a worker that died are late by this. What is decided twice, because this was too short, has no effect.
_LEASE_MS = 5_000
# A mailbox that was locked is asked again after this.
_AGAIN_MS = 1_000
# What only a worker with a file can send is looked at here at least so often: an account may have its number meanwhile.
_LEFT_MS = 60_000
_POLL_SECONDS = 0.5
_AWAY_SECONDS = 1.0
_SECONDS = 5.0
_STATUS_PENDING = 1


class Choosing:
    """Takes due jobs from the store and decides on them; `routed` is told when carriers have new ones."""

    def __init__(
        self,
        reach: Reach,
        carriers: Carriers,
        *,
        validity_ms: int,
        routed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._mailbox, self._store, self._recipients, self._twins = reach
        self._carriers = carriers
        self._validity_ms = validity_ms
        self._routed = routed
        self._ended = ended
        self._last_account = 0

    async def round(self) -> float:
        """Decide on some jobs; return the seconds until the next round. Raise `DatabaseError`."""
        jobs = await self._store.due(
            _MOST, _LEASE_MS, only_twins=not self._carriers.has_file, last_account=self._last_account
        )
        self._last_account = jobs[-1].account_id if jobs else 0
        try:
            await self._decide(jobs)
        except DatabaseError:
            raise
        except Away:
            await self._store.postpone(jobs, _AGAIN_MS)
            return _AWAY_SECONDS
        except Exception:
            logger.exception("jobs not decided together")
            await self._isolate(jobs)
        return 0.0 if jobs else _POLL_SECONDS

    async def _isolate(self, jobs: Sequence[DueJob]) -> None:
        """Decide on each job by itself; one that fails comes again when its lease is over."""
        for job in jobs:
            try:
                await self._decide([job])
            except Away:
                raise
            except Exception:
                where = {"account_id": job.account_id, "message_id": job.message_id}
                logger.exception("job not decided", extra=where)

    async def _decide(self, jobs: Sequence[DueJob]) -> None:
        if not jobs:
            return
        # Of these nothing is to be asked, so they go though nobody answers.
        await self._send([job for job in jobs if job.sender and not job.may_be_twin])
        asked = [job for job in jobs if job.may_be_twin or not job.sender]
        numbers = {int(job.recipient) for job in asked if job.may_be_twin}
        accounts, senders = await self._recipients.find(numbers, {job.account_id for job in asked if not job.sender})
        named = [job._replace(sender=job.sender or _digits(senders[job.account_id])) for job in asked]
        twins = [job for job in named if _account(job, accounts)]
        await self._store.postpone(await self._give(twins, accounts), _AGAIN_MS)
        await self._send([job for job in named if not _account(job, accounts)])

    async def _give(self, jobs: Sequence[DueJob], accounts: Mapping[int, int]) -> list[DueJob]:
        """Give twins to accounts; return the jobs of which a mailbox is locked."""
        nameless = [job for job in jobs if not job.sender]
        await self._refuse([(job, "the sender has no number") for job in nameless])
        twins = [Twin(_send(job), _account(job, accounts), int(job.sender)) for job in jobs if job.sender]
        locked = {(send.account_id, send.message_id) for send in await self._twins.deliver(twins)}
        given = [job for job in jobs if job.sender and job[:2] not in locked]
        await self._store.end([Ended(*job[:2], "delivered", "to an account") for job in given], is_told=True)
        return [job for job in jobs if job[:2] in locked]

    async def _send(self, jobs: Sequence[DueJob]) -> None:
        """Give jobs to carriers, or refuse them; where no file says which carriers there are, leave them to others."""
        if not self._carriers.has_file:
            await self._store.leave(jobs, _AGAIN_MS, _LEFT_MS)
            return
        if not jobs:
            return
        released, locked = await self._release(jobs)
        await self._store.postpone(locked, _AGAIN_MS)
        routed: list[Routed] = []
        refused: list[tuple[DueJob, str]] = []
        for job in released:
            carrier = self._carriers.routes.choose(job.recipient, job.sender, ())
            if len(job.body) > MOST_CHARACTERS:
                refused.append((job, Reason.PARTS))
            elif carrier is None:
                refused.append((job, "no route"))
            else:
                routed.append(Routed(*job[:2], carrier, job.sender))
        await self._refuse(refused)
        await self._store.route(routed, self._validity_ms)
        self._routed()

    async def _release(self, jobs: Sequence[DueJob]) -> tuple[list[DueJob], list[DueJob]]:
        """Make messages that waited for their time pending; return the jobs that may go on, and the locked ones."""
        waiting = [job for job in jobs if job.is_scheduled]
        if not waiting:
            return list(jobs), []
        settlements = [Settlement(*job[:2], _STATUS_PENDING, None, None) for job in waiting]
        terms = [Terms(time.monotonic() + _SECONDS, "release")] * len(settlements)
        outcomes = await waited(await self._mailbox.settle(settlements, terms))
        locked = [job for job, outcome in zip(waiting, outcomes, strict=True) if isinstance(outcome, Fault)]
        return [job for job in jobs if job not in locked], locked

    async def _refuse(self, jobs: Sequence[tuple[DueJob, str]]) -> None:
        if jobs:
            await self._store.end([Ended(*job[:2], "failed", reason) for job, reason in jobs], is_told=False)
            self._ended()


def _account(job: DueJob, accounts: Mapping[int, int]) -> int:
    return accounts[int(job.recipient)] if job.may_be_twin else 0


def _digits(number: int) -> str:
    return str(number) if number else ""


def _send(job: DueJob) -> Send:
    # A twin has the time of sending.
    sent_at = dates.now() if job.is_scheduled else job.stored_at
    return Send(job.account_id, job.message_id, f"+{job.recipient}", job.body, sent_at, None)
