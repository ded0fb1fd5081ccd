"""Twins: a send to an account is a message in its mailbox, and then the sender's copy says that it arrived.

Each is a transaction of its own, and each has an effect once: the twin by the key under which it is stored, the copy
because it is settled only once. A send that comes again goes through both again.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from inspect import isawaitable
from typing import NamedTuple

from shared import failpoints
from shared.contract import dates
from shared.contract.faults import Fault
from shared.mailbox.sends import Send
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.mailbox.writes import NewMessage, Settlement, Written
from shared.postgres.errors import DatabaseTimeout, LockTimeout

_SECONDS = 5.0
_LOCKED_SECONDS = 1.0
_STATUS_NONE, _STATUS_COMPLETED = 0, 2
_ORIGIN_ACCOUNT = 2


class Twin(NamedTuple):
    """A send to an account, from one whose number is known."""

    send: Send
    recipient: int
    sender_msisdn: int


class Twins:
    """Delivers sends to the mailboxes of accounts."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def deliver(self, twins: Sequence[Twin]) -> list[Send]:
        """Store the twins and settle the sends; return those whose mailbox is locked."""
        if not twins:
            return []
        deadline = time.monotonic() + _SECONDS
        keys = [f"{twin.send.account_id}:{twin.send.message_id}" for twin in twins]
        terms = [Terms(deadline, "twin", key, b"") for key in keys]
        stored = await self._mailbox.insert([_incoming(twin) for twin in twins], terms)
        await failpoints.reached("delivery.twin_stored")
        at_once = [
            (twin.send, outcome) for twin, outcome in zip(twins, stored, strict=True) if not isawaitable(outcome)
        ]
        late = [(twin.send, outcome) for twin, outcome in zip(twins, stored, strict=True) if isawaitable(outcome)]
        # The sender of what stands must not wait for the mailboxes of others.
        locked = await self._tell(at_once)
        outcomes = await waited([outcome for _, outcome in late])
        return locked + await self._tell(zip((send for send, _ in late), outcomes, strict=True))

    async def settle(self, sends: Sequence[Send], status: int, origin: int) -> list[Send]:
        """Say what became of sends; return those whose mailbox is locked."""
        now = dates.now()
        settlements = [Settlement(send.account_id, send.message_id, status, origin, now) for send in sends]
        terms = [Terms(time.monotonic() + _SECONDS, "settle")] * len(settlements)
        outcomes = await waited(await self._mailbox.settle(settlements, terms))
        return [send for send, outcome in zip(sends, outcomes, strict=True) if isinstance(outcome, Fault)]

    async def _tell(self, stored: Iterable[tuple[Send, int | Fault]]) -> list[Send]:
        """Settle the sends whose twin stands; return the others, and those whose own mailbox is locked."""
        sends = [(send, isinstance(outcome, Fault)) for send, outcome in stored]
        arrived = [send for send, is_locked in sends if not is_locked]
        locked = [send for send, is_locked in sends if is_locked]
        return locked + (await self.settle(arrived, _STATUS_COMPLETED, _ORIGIN_ACCOUNT) if arrived else [])


def _incoming(twin: Twin) -> NewMessage:
    return NewMessage(
        account_id=twin.recipient,
        address=f"+{twin.sender_msisdn}",
        body=twin.send.body,
        date_sent=twin.send.date_sent,
        read=False,
        locked=False,
        origin=_ORIGIN_ACCOUNT,
        status=_STATUS_NONE,
        incoming=True,
    )


async def waited(outcomes: Sequence[Written[int]]) -> list[int | Fault]:
    """Wait a moment for those whose mailbox is locked: longer, and they would hold up what comes behind them.

    One that is given up then may still take effect. It comes again, and finds that.
    """
    tasks = {place: asyncio.ensure_future(each) for place, each in enumerate(outcomes) if isawaitable(each)}
    if tasks:
        _, pending = await asyncio.wait(tasks.values(), timeout=_LOCKED_SECONDS)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
    return [_outcome(tasks[place]) if isawaitable(each) else each for place, each in enumerate(outcomes)]


def _outcome(task: "asyncio.Future[int | Fault]") -> int | Fault:
    if task.cancelled() or isinstance(task.exception(), DatabaseTimeout | LockTimeout):
        return Fault.UNAVAILABLE
    return task.result()
