"""What delivery does when a send was asked for.

A recipient with an account gets a twin of the message in a mailbox of their own; then the sender's copy says that it
arrived. Each is a transaction of its own, and each has an effect once: the twin by the key under which it is stored,
the copy because it is settled only once. An event that comes again goes through both again.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from inspect import isawaitable
from typing import NamedTuple

from services.delivery.recipients import Recipients
from services.delivery.store import Store
from shared import failpoints
from shared.contract import dates
from shared.contract.events import Event
from shared.contract.faults import Fault
from shared.mailbox.sends import Send
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.mailbox.writes import NewMessage, Settlement, Written
from shared.postgres.errors import DatabaseTimeout, LockTimeout

_SECONDS = 5.0
_LOCKED_SECONDS = 1.0
_STATUS_NONE, _STATUS_COMPLETED, _STATUS_FAILED = 0, 2, 3
_ORIGIN_MYSMS, _ORIGIN_ACCOUNT = 1, 2


class _Twin(NamedTuple):
    """A send to an account, from one whose number is known."""

    send: Send
    recipient: int
    sender_msisdn: int


class Sends:
    """Delivers sends to the mailboxes of accounts; those to anybody else are kept for a carrier."""

    def __init__(self, mailbox: Mailbox, recipients: Recipients, store: Store) -> None:
        self._mailbox = mailbox
        self._recipients = recipients
        self._store = store

    async def deliver(self, events: Sequence[Event]) -> Sequence[Event]:
        """React to `SEND_REQUESTED`; return those whose mailbox is locked by somebody else."""
        pointers = {(event.account_id, event.message_id): event for event in events}
        locked: list[Event] = []
        async for sends in self._mailbox.sends(pointers, timeout=_SECONDS):
            locked += [pointers[send.account_id, send.message_id] for send in await self._deliver(sends)]
        return locked

    async def _deliver(self, sends: Sequence[Send]) -> list[Send]:
        due = [send for send in sends if send.due_at is None]
        accounts, numbers = await self._recipients.find(
            {_msisdn(send) for send in due}, {send.account_id for send in due}
        )
        waiting = [send for send in sends if send.due_at is not None or not accounts[_msisdn(send)]]
        if waiting:
            await self._store.keep_waiting(waiting, seconds=_SECONDS)
        twins = [
            _Twin(send, accounts[_msisdn(send)], numbers[send.account_id]) for send in due if accounts[_msisdn(send)]
        ]
        # Nobody can be told whom it is from: the sender's number was taken away in the meantime.
        nameless = [twin.send for twin in twins if not twin.sender_msisdn]
        locked = await self._settle(nameless, _STATUS_FAILED, _ORIGIN_MYSMS)
        return locked + await self._arrive([twin for twin in twins if twin.sender_msisdn])

    async def _arrive(self, twins: Sequence[_Twin]) -> list[Send]:
        """Store the twins and settle the sends; return those whose mailbox is locked."""
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
        waited = await _waited([outcome for _, outcome in late])
        return locked + await self._tell(zip((send for send, _ in late), waited, strict=True))

    async def _tell(self, stored: Iterable[tuple[Send, int | Fault]]) -> list[Send]:
        """Settle the sends whose twin stands; return the others, and those whose own mailbox is locked."""
        sends = [(send, isinstance(outcome, Fault)) for send, outcome in stored]
        arrived = [send for send, is_locked in sends if not is_locked]
        locked = [send for send, is_locked in sends if is_locked]
        return locked + await self._settle(arrived, _STATUS_COMPLETED, _ORIGIN_ACCOUNT)

    async def _settle(self, sends: Sequence[Send], status: int, origin: int) -> list[Send]:
        """Say what became of sends; return those whose mailbox is locked."""
        now = dates.now()
        settlements = [Settlement(send.account_id, send.message_id, status, origin, now) for send in sends]
        terms = [Terms(time.monotonic() + _SECONDS, "settle")] * len(settlements)
        outcomes = await _waited(await self._mailbox.settle(settlements, terms))
        return [send for send, outcome in zip(sends, outcomes, strict=True) if isinstance(outcome, Fault)]


def _msisdn(send: Send) -> int:
    return int(send.address.removeprefix("+"))


def _incoming(twin: _Twin) -> NewMessage:
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


async def _waited(outcomes: Sequence[Written[int]]) -> list[int | Fault]:
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
