"""Retention: messages that are too old go, mailbox after mailbox, of which one process at a time makes the round."""

import time
from pathlib import Path

from shared.mailbox.expiry import Expiry, Left, Retained
from shared.postgres.errors import DatabaseAway
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# Days are counted, so nobody misses an hour; a look at a million mailboxes takes a minute, and ten from a cold disk.
_PASS_SECONDS = 6 * 3600.0
_TURN_SECONDS = 5.0
# A turn that has not ended by then, though each of its statements has 10 s, was cut off.
_LEASE_SECONDS = 60.0
_IDLE_SECONDS = 60.0
_SECONDS = 10.0


class Retention:
    """Goes through all mailboxes again and again; several processes take turns."""

    def __init__(self, database: Database, default_days: int) -> None:
        self._database = database
        self._expiry = Expiry(database, default_days)
        self._default_days = default_days
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._failure: Exception | None = None

    async def round(self) -> float:
        """Take a turn, if one is due, and return the seconds until the next look; raise `DatabaseError`.

        A mailbox that fails keeps no other waiting: its error is raised when the turn is over.
        """
        turn = await self._database.fetchrow(
            self._queries["begin_retention"], _LEASE_SECONDS, self._default_days, timeout=_SECONDS
        )
        if turn is None:
            return _IDLE_SECONDS
        self._failure = None
        behind, ended = await self._advance(turn["behind"], time.monotonic() + _TURN_SECONDS)
        pause = _PASS_SECONDS if ended else 0.0
        query = self._queries["end_retention"]
        await self._database.fetch(query, turn["free_at"], behind, ended, pause, timeout=_SECONDS)
        if self._failure is not None:
            raise self._failure
        return min(pause, _IDLE_SECONDS)

    async def _advance(self, behind: int, until: float) -> tuple[int, bool]:
        """Go on behind an account until then or a bit longer; return up to which all is done, or that all are."""
        while True:
            mailboxes, last = await self._expiry.behind(behind)
            for mailbox in mailboxes:
                if mailbox.due and not await self._cleared(mailbox, until):
                    return mailbox.account_id - 1, False
                if time.monotonic() > until:
                    return mailbox.account_id, False
            if last:
                return 0, True
            behind = mailboxes[-1].account_id

    async def _cleared(self, mailbox: Retained, until: float) -> bool:
        """Clear a mailbox; return whether this pass is done with it: one in use or that fails waits for the next."""
        try:
            return (await self._expiry.clear(mailbox, until)).left is not Left.OUT_OF_TIME
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - raised when the turn is over
            self._failure = error
            return True
