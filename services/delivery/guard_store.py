"""What all workers share of the guards: the stop, who opted out, and what accounts sent today."""

from collections.abc import Sequence

from services.delivery.guards import Cap, Reason, Sized
from services.delivery.numbers import canonical
from services.delivery.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_SECONDS = 5.0
_REASONS = {
    "stopped": Reason.STOPPED,
    "disabled": Reason.DISABLED,
    "opted out": Reason.OPTED_OUT,
    "capped": Reason.CAPPED,
}


class SharedGuards:
    """Keeps them in the database; raises `DatabaseError` where it cannot."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(SQL)

    async def refusals(self, messages: Sequence[Sized], caps: Sequence[Cap]) -> Sequence[Reason | None]:
        """Return why each must not be sent, or none; those that may are counted for their caps."""
        rows = await self._database.fetch(
            self._queries["refusals"],
            [each.check.submission.account_id for each in messages],
            [each.check.submission.message_id for each in messages],
            [canonical(each.check.submission.sender) for each in messages],
            [canonical(each.check.submission.recipient) for each in messages],
            [each.parts for each in messages],
            [each.check.counted for each in messages],
            [cap.prefix for cap in caps],
            [cap.parts for cap in caps],
            timeout=_SECONDS,
        )
        return [None if row["reason"] is None else _REASONS[row["reason"]] for row in rows]

    async def set_opt_out(self, own_number: str, number: str, *, out: bool, at: int) -> None:
        """Keep what a number said to one of ours, unless it said something later."""
        numbers = (canonical(own_number), canonical(number))
        await self._database.fetch(self._queries["set_opt_out"], *numbers, out, at, timeout=_SECONDS)
