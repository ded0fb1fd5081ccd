"""What the delivery role keeps: jobs from the wish to send to the last receipt, and what came for nobody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from services.delivery.carriers.carrier import Inbound, Receipt
from services.delivery.jobs import Claimed, Conclusion, DueJob, Ended, Lost, Routed, Standing, Untold
from services.delivery.numbers import canonical
from shared.contract import dates
from shared.mailbox.sends import PART_OCTETS, Send
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

SQL = Path(__file__).parent / "sql"
_SECONDS = 5.0


class Swept(NamedTuple):
    """How many rows were deleted because they were old."""

    jobs: int
    receipts: int
    strangers: int


class Store:
    """Reads and writes the tables of delivery. Everything raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(SQL)

    async def keep(self, sends: Sequence[Send]) -> None:
        """Make jobs of sends; one that has a job already is left alone."""
        rows = [
            (send.account_id, send.message_id, canonical(send.address.removeprefix("+")), send.date_sent, send.due_at)
            for send in sends
        ]
        await self._fetch("keep", *_columns(rows))

    async def due(self, most: int, lease: int, *, only_twins: bool, last_account: int = 0) -> list[DueJob]:
        """Take due jobs that have no carrier, for `lease` ms; with `only_twins` those that an account may get.

        Accounts have turns, the first one after the `last_account`.
        """
        rows = await self._fetch("due", most, PART_OCTETS, lease, only_twins, last_account)
        return [DueJob(*row) for row in rows]

    async def postpone(self, jobs: Sequence[DueJob], ms: int) -> None:
        """Give jobs back for somebody to take in so many ms."""
        if jobs:
            await self._fetch("postpone", *_columns([job[:2] for job in jobs]), ms)

    async def leave(self, jobs: Sequence[DueJob], least_ms: int, most_ms: int) -> None:
        """Give jobs back for others to take; here they come again the later, the longer they have waited."""
        if jobs:
            await self._fetch("leave", *_columns([job[:2] for job in jobs]), least_ms, most_ms)

    async def route(self, jobs: Sequence[Routed], validity_ms: int) -> None:
        """Give jobs to their carriers; none is sent later than so many ms after its first date."""
        if jobs:
            await self._fetch("route", *_columns(jobs), validity_ms)

    async def reroute(self, carriers: Sequence[str], most: int) -> int:
        """Take jobs from carriers that are none of these, for others to be chosen; return how many."""
        return await self._number("reroute", carriers, most)

    async def seen(self, carriers: Collection[str], took: Collection[str]) -> None:
        """Say which carriers are open here, and which of them took something lately."""
        if carriers:
            await self._fetch("seen", [*carriers], [name in took for name in carriers])

    async def away(self, carriers: Sequence[str], silence: int, rest: int) -> set[str]:
        """Return which of these nobody had open for `silence` ms, or took nothing for so long and made workers wait.

        What ended more than `rest` ms ago is no wait any more.
        """
        return {row["carrier"] for row in await self._fetch("away", carriers, silence, rest)}

    async def turns(self, carrier: str, last_account: int, most: int) -> list[int]:
        """Return accounts that have jobs in the line of a carrier, in the order of their turns behind that one."""
        return list(
            await self._database.fetchval(self._queries["turns"], carrier, last_account, most, timeout=_SECONDS)
        )

    async def standing(self, carrier: str, skips: Mapping[int, int], share: int) -> list[Standing]:
        """Return jobs in the line of a carrier: of each of the accounts up to `share`, behind so many of its first."""
        rows = await self._fetch("standing", carrier, [*skips], [*skips.values()], share)
        return [Standing(*row) for row in rows]

    async def divert(self, carrier: str, others: Sequence[tuple[Standing, str]]) -> int:
        """Give jobs that still wait for a carrier to those others; return how many did."""
        rows = [(*job[:2], other) for job, other in others]
        return await self._number("divert", *_columns(rows), carrier) if rows else 0

    async def end(self, jobs: Sequence[Ended], *, is_told: bool) -> None:
        """End jobs that no carrier gets; with `is_told` the mailbox knows."""
        if jobs:
            await self._fetch("end_waiting", *_columns(jobs), is_told)

    async def claim(self, carrier: str, most: int, rate: float, lease: int, claim: int) -> list[Claimed]:
        """Take due jobs of a carrier for `lease` ms, at a rate that all workers share; they may be sent from then.

        Whoever gets no answer can take the `claim` back, a number from 1 to 2^31 - 1 that nobody else has.
        """
        rows = await self._fetch("claim", carrier, most, PART_OCTETS, rate, lease, claim)
        # What is left of its time is said by the database, whose clock need not be ours.
        now = dates.now()
        jobs = [Claimed(*row) for row in rows]
        return [job._replace(expires_at=now + job.expires_at) for job in jobs]

    async def unclaim(self, carrier: str, claim: int) -> None:
        """Let jobs wait again that were taken with this claim, of which its worker did not hear."""
        await self._fetch("unclaim", carrier, claim)

    async def give_back(self, carrier: str, jobs: int, rate: float) -> None:
        """Let others have the time of so many jobs that were claimed at this rate and not submitted."""
        if jobs:
            await self._fetch("give_back", carrier, jobs, rate)

    async def expire(self, carrier: str, most: int) -> None:
        """End some jobs of a carrier that are too late, where nobody claims any."""
        await self._fetch("expire", carrier, most)

    async def having_jobs(self, sends: Sequence[Send]) -> set[tuple[int, int]]:
        """Return which of these have a job."""
        return {tuple(row) for row in await self._fetch("having_jobs", *_columns([send[:2] for send in sends]))}

    async def hold(self, carrier: str, ms: int) -> None:
        """Let nobody have a job of this carrier for so many ms."""
        await self._fetch("hold", carrier, ms)

    async def release(self, carrier: str) -> None:
        """Let a carrier that is held have jobs again."""
        await self._fetch("release", carrier)

    async def conclude(self, conclusions: Sequence[Conclusion]) -> set[tuple[int, int]]:
        """Keep what became of submissions; return those whose job somebody else has by now."""
        return {tuple(row) for row in await self._fetch("conclude", *_columns(conclusions))}

    async def stale(self, most: int) -> list[Lost]:
        """Return submissions of which it should be known by now what became of them."""
        rows = [tuple(row) for row in await self._fetch("stale", most)]
        return [Lost(Claimed(*row[:-2]), *row[-2:]) for row in rows]

    async def backlog(self, most: int) -> dict[str, int]:
        """Return how many jobs are due for each carrier, up to so many; '' where it has still to be chosen."""
        return {row["carrier"]: row["jobs"] for row in await self._fetch("backlog", most)}

    async def oldest_due(self, carriers: Iterable[str], most: int) -> dict[str, int]:
        """Return for how many ms the oldest of up to so many due jobs of each carrier waits; less than 0 for none."""
        return {row["carrier"]: row["waits_ms"] for row in await self._fetch("oldest_due", [*carriers], most)}

    async def states(self, most: int) -> dict[str, int]:
        """Return how many jobs of each state there are that are not done, up to so many."""
        return {row["state"]: row["jobs"] for row in await self._fetch("states", most)}

    async def overdue(self, most: int) -> int:
        """End jobs whose receipts did not come; return how many."""
        return await self._number("overdue", most)

    async def untold(self, most: int, lease: int) -> list[Untold]:
        """Take jobs of which a mailbox has to be told, for `lease` ms."""
        return [Untold(*row) for row in await self._fetch("untold", most, lease)]

    async def told(self, jobs: Sequence[Untold]) -> None:
        """Say that the mailboxes know of these."""
        if jobs:
            await self._fetch("told", *_columns([job[:2] for job in jobs]))

    async def receipts(self, receipts: Sequence[Receipt]) -> int:
        """Keep receipts; return how many were of messages that are known to be accepted."""
        rows = [(r.carrier, r.carrier_id, r.number or "", r.state.value, r.reason, r.at) for r in receipts]
        return await self._number("receipts", *_columns(rows))

    async def match_parked(self, most: int) -> int:
        """Look again at receipts that matched nothing; return how many do now."""
        return await self._number("match_parked", most)

    async def keep_stranger(self, inbound: Inbound, most: int) -> bool:
        """Keep a message to a number that no account has; return whether, as `most` of a carrier are kept a minute."""
        return bool(await self._database.fetchval(self._queries["keep_stranger"], *inbound, most, timeout=_SECONDS))

    async def sweep(self, ended_ms: int, unmatched_ms: int, most: int) -> Swept:
        """Delete what ended, or was not matched, so many ms ago."""
        (row,) = await self._fetch("sweep", ended_ms, unmatched_ms, most)
        return Swept(*row)

    async def forget_heard(self, age_ms: int, most: int) -> int:
        """Forget what was said so many ms ago; return how much."""
        return await self._number("forget_heard", age_ms, most)

    async def timeline(self, account_id: int, message_id: int) -> list[dict[str, Any]]:
        """Return what happened to a message: `at` in ms since 1970, `state`, `reason`."""
        return [dict(row) for row in await self._fetch("timeline", account_id, message_id)]

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        return await self._database.fetch(self._queries[query], *arguments, timeout=_SECONDS)

    async def _number(self, query: str, *arguments: Any) -> int:
        return int(await self._database.fetchval(self._queries[query], *arguments, timeout=_SECONDS))


def _columns(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True))
