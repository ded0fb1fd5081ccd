"""The SMPP carrier: messages go out part after part over its links, and what comes back comes over them too."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Sequence

from services.delivery.carriers.carrier import (
    Accepted,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Submission,
    Unknown,
    UnknownPolicy,
)
from services.delivery.carriers.place import Place
from services.delivery.carriers.smpp import codec, parts
from services.delivery.carriers.smpp.inbound import Hearing
from services.delivery.carriers.smpp.link import Link
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.segments import Unsendable
from shared.contract import dates

# No longer than this does a message wait for its turns, or its lease ends before its last answer comes.
_MOST_SECONDS = 20.0
_MOST_BEGUN = 1000
# A window beyond this only makes messages wait here instead of in the queue.
_WINDOW_SECONDS = 3.0


class Smpp:
    """Sends by SMPP.

    Parts of a message go one by one, each when the one before was accepted: where the first is refused the carrier has
    nothing. Where a later one is, the message is refused as a whole, and the next try goes on with that part.
    """

    def __init__(self, name: str, options: SmppOptions, place: Place) -> None:
        self.name = name
        self.rate = options.rate * options.binds
        self.unknown_policy: UnknownPolicy = options.unknown
        self._options = options
        self._window = min(options.window, max(1, math.ceil(options.rate * _WINDOW_SECONDS)))
        hearing = Hearing(name, options, place.arrivals)
        self._links = [Link(name, options, hearing.hear, place.leases) for _ in range(options.binds)]
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
        for link in self._links:
            link.start()

    async def submit(self, submission: Submission) -> Outcome:
        """Submit the parts of a message that the carrier has not."""
        now = dates.now()
        if submission.expires_at <= now:
            return NotSent("expired")
        try:
            pdus = parts.parts(self._options, submission, now)
        except (Unsendable, codec.Unencodable) as error:
            return Refused(Refusal.PERMANENT, str(error))
        link = self._emptiest()
        if link is None:
            return NotSent("no link is open")
        ids = self._begun.pop(submission.job_id, [])
        outcome = await _submitted(link, pdus, ids)
        if ids and not isinstance(outcome, Accepted):
            self._remember(submission.job_id, ids)
        return outcome

    async def close(self) -> None:
        """Finish what is under way, and unbind."""
        await asyncio.gather(*(link.close() for link in self._links))

    def _emptiest(self) -> Link | None:
        return min((link for link in self._links if link.open), key=lambda link: link.under_way, default=None)

    def _remember(self, job_id: int, ids: list[str]) -> None:
        self._begun[job_id] = ids
        if len(self._begun) > _MOST_BEGUN:
            self._begun.popitem(last=False)


async def _submitted(link: Link, pdus: Sequence[bytes], ids: list[str]) -> Outcome:
    """Submit the parts for which there are no ids yet, and add theirs; return what became of the message."""
    until = time.monotonic() + _MOST_SECONDS
    while len(ids) < len(pdus):
        if time.monotonic() > until:
            return Refused(Refusal.SLOW_DOWN, "its parts take too long")
        outcome = await link.submit(pdus[len(ids)])
        if not isinstance(outcome, Accepted):
            return _of_part(outcome, len(ids) + 1, len(pdus))
        ids += outcome.carrier_ids or ("",)
    return Accepted(tuple(each for each in ids if each))


def _of_part(outcome: Refused | Unknown | NotSent, number: int, total: int) -> Outcome:
    if total == 1:
        return outcome
    return outcome._replace(reason=f"part {number} of {total}: {outcome.reason}")
