"""The SMPP carrier: messages go out part after part over its links, and what comes back comes over them too."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from services.delivery.carriers.carrier import (
    EXPIRED,
    Accepted,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Submission,
    Unknown,
)
from services.delivery.carriers.place import Place
from services.delivery.carriers.smpp import codec, late, measures, parts
from services.delivery.carriers.smpp.expected import Expected
from services.delivery.carriers.smpp.inbound import Hearing
from services.delivery.carriers.smpp.link import Link, Part
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.carriers.smpp.text import Piece
from services.delivery.segments import Unsendable
from shared.contract import dates

# No longer than this does a message wait for its turns, or its lease ends before its last answer comes.
_MOST_SECONDS = 20.0
_MOST_BEGUN = 1000
# A window beyond this only makes messages wait here instead of in the queue.
_WINDOW_SECONDS = 3.0


class _Expired(Exception):  # noqa: N818 - it is what happened
    """The message's time was over before its part could leave."""


class Smpp:
    """Sends by SMPP.

    Parts of a message go one by one, each when the one before was accepted: where the first is refused the carrier has
    nothing. Where a later one is, the message is refused as a whole, and the next try goes on with that part.
    """

    def __init__(self, name: str, options: SmppOptions, place: Place) -> None:
        self.name = name
        self.rate = options.rate * options.binds
        self._options = options
        self._window = min(options.window, max(1, math.ceil(options.rate * _WINDOW_SECONDS)))
        self._expected = Expected()
        self._hearing = Hearing(name, options, place, self._expected)
        self._links = [Link(name, options, self._hearing.hear, place.leases) for _ in range(options.binds)]
        # The ids of the parts that were accepted of messages that are not.
        self._begun: OrderedDict[int, list[str]] = OrderedDict()

    @property
    def open(self) -> bool:
        return any(link.open for link in self._links)

    @property
    def window(self) -> int:
        """As many at a time as the links that are open have room for."""
        return self._window * max(1, sum(link.open for link in self._links))

    def start(self) -> None:
        """Bind, and go on until it is closed."""
        measures.started(self.name)
        for link in self._links:
            link.start()

    async def submit(self, submission: Submission) -> Outcome:
        """Submit the parts of a message that the carrier has not."""
        try:
            pieces = parts.pieces(self._options, submission)
            link = self._emptiest()
            if link is None:
                return NotSent("no link is open")
            return await self._go_on(link, submission, pieces)
        except (Unsendable, codec.Unencodable) as error:
            return Refused(Refusal.PERMANENT, str(error))
        except _Expired:
            return EXPIRED

    async def close(self) -> None:
        """Finish what is under way, and unbind."""
        await asyncio.gather(*(link.close() for link in self._links))
        measures.closed(self.name)
        await self._hearing.close()

    async def _go_on(self, link: Link, submission: Submission, pieces: Sequence[Piece]) -> Outcome:
        """Submit the parts that the carrier has not, and remember which it has of a message that is not accepted."""
        made = [partial(self._part, submission, piece) for piece in pieces]
        ids, outcome = self._begun.pop(submission.job_id, []), None
        told = self._expected.add(submission) if len(made) == 1 and self._options.gives_references else None
        try:
            outcome = await _submitted(link, made, submission.deadline, ids)
            if isinstance(outcome, Unknown):
                outcome = self._with_late(submission, outcome, told, ids, len(made))
            elif told:
                self._expected.forget(submission, told)
            return outcome
        finally:
            # Also of one that nobody waits for any more.
            if not isinstance(outcome, Accepted):
                self._remember(submission.job_id, ids)

    def _with_late(
        self, submission: Submission, outcome: Unknown, told: asyncio.Future[str] | None, ids: list[str], total: int
    ) -> Unknown:
        """Return what is unknown with what may still be known of it."""
        waits = late.or_told(outcome.late, told) if told else outcome.late
        if waits is None:
            return outcome
        remember = partial(self._remember, submission.job_id)
        return outcome._replace(late=late.of_message(waits, ids, total, remember))

    def _part(self, submission: Submission, piece: Piece) -> bytes:
        """Return the PDU of a part that leaves now; raise `_Expired` or `Unencodable`."""
        now = dates.now()
        if submission.expires_at <= now:
            raise _Expired
        return parts.encoded(self._options, submission, piece, now)

    def _emptiest(self) -> Link | None:
        return min((link for link in self._links if link.open), key=lambda link: link.under_way, default=None)

    def _remember(self, job_id: int, ids: list[str]) -> None:
        if ids:
            self._begun[job_id] = ids
        else:
            self._begun.pop(job_id, None)
        if len(self._begun) > _MOST_BEGUN:
            self._begun.popitem(last=False)


async def _submitted(link: Link, made: Sequence[Part], deadline: float, ids: list[str]) -> Outcome:
    """Submit the parts for which there are no ids yet, and add theirs; return what became of the message."""
    until = min(deadline, asyncio.get_running_loop().time() + _MOST_SECONDS)
    while len(ids) < len(made):
        outcome = await link.submit(made[len(ids)], until)
        if not isinstance(outcome, Accepted):
            return late.in_message(outcome, len(ids) + 1, len(made))
        ids += outcome.carrier_ids or ("",)
    return Accepted(tuple(each for each in ids if each))
