"""The purge: what deleted conversations have left behind becomes tombstones, in steps that leave room for others."""

import time
from collections.abc import Sequence
from pathlib import Path

from shared.mailbox.step_size import StepSize
from shared.metrics import mailbox as metrics
from shared.postgres.errors import DatabaseAway, DatabaseError
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_IDLE_SECONDS = 5.0
# Every mailbox that waits is locked by others or rests after the step of another process.
_BUSY_SECONDS = 0.02
_STEP_SECONDS = 10.0
# How long a mailbox then is left to others, in times of the step's own length.
_REST = 0.5
_ROUND_ACCOUNTS = 100


class Purge:
    """Goes round the mailboxes with closed conversations; several processes may do so side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._size = StepSize()
        self._behind = 0
        self._counted_at = -_IDLE_SECONDS

    async def round(self) -> float:
        """Take one step in each of some mailboxes and return the seconds until the next round.

        Raises `DatabaseError`; the steps that were taken stay.
        """
        first = self._behind == 0
        accounts = await self._accounts()
        await self._count(waiting=bool(accounts) or not first)
        if first and not accounts:
            return _IDLE_SECONDS
        return await self._steps(accounts) * _REST or _BUSY_SECONDS

    async def _steps(self, accounts: Sequence[int]) -> float:
        """Take a step in each mailbox; one that fails must not keep the others waiting. Return the longest seconds."""
        longest, failure = 0.0, None
        for account_id in accounts:
            try:
                longest = max(longest, await self._step(account_id))
            except DatabaseAway:
                raise
            except Exception as error:  # noqa: BLE001 - raised below, behind the other mailboxes
                failure = error
        if failure is not None:
            raise failure
        return longest

    async def _accounts(self) -> list[int]:
        """Return the next accounts in turn; those behind the last full round come first."""
        query = self._queries["closed_accounts"]
        rows = await self._database.fetch(query, self._behind, _ROUND_ACCOUNTS, timeout=_STEP_SECONDS)
        accounts = [row["account_id"] for row in rows]
        self._behind = accounts[-1] if len(accounts) == _ROUND_ACCOUNTS else 0
        return accounts

    async def _step(self, account_id: int) -> float:
        """Take one step in a mailbox; return the seconds it took, 0 when the mailbox was not to be had."""
        began = time.monotonic()
        query = self._queries["purge"]
        arguments = (account_id, self._size.messages, _REST)
        try:
            purged = await self._database.fetchval(query, *arguments, timeout=_STEP_SECONDS)
        except DatabaseError:
            # It may have been too much for one step.
            self._size.took(time.monotonic() - began)
            raise
        if purged is None:
            return 0.0
        metrics.purged(purged)
        seconds = time.monotonic() - began
        self._size.took(seconds)
        return seconds

    async def _count(self, *, waiting: bool) -> None:
        """Say how many conversations wait, now and then when there are any."""
        if not waiting:
            metrics.closed_conversations(0)
        elif time.monotonic() - self._counted_at >= _IDLE_SECONDS:
            count = await self._database.fetchval(self._queries["closed_conversations"], timeout=_STEP_SECONDS)
            metrics.closed_conversations(count)
            self._counted_at = time.monotonic()
