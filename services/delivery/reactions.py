"""What delivery does when a send was asked for.

A recipient with an account gets a twin of the message in a mailbox of their own; then the sender's copy says that it
arrived. Each is a transaction of its own, and each has an effect once: the twin by the key under which it is stored,
the copy because it is settled only once. An event that comes again goes through both again.
"""

import asyncio
import time
from collections.abc import Sequence
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

_SECONDS = 5.0
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
        """React to `SEND_REQUESTED`; return those whose mailbox stayed locked by somebody else."""
        pointers = {(event.account_id, event.message_id): event for event in events}
        sends = await self._mailbox.sends(pointers, timeout=_SECONDS)
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
        locked = await self._arrive(twins)
        return [pointers[send.account_id, send.message_id] for send in locked]

    async def _arrive(self, twins: Sequence[_Twin]) -> list[Send]:
        """Store the twins and settle the sends; return those whose mailbox stayed locked."""
        deadline = time.monotonic() + _SECONDS
        nameless = [twin for twin in twins if not twin.sender_msisdn]
        twins = [twin for twin in twins if twin.sender_msisdn]
        keys = [f"{twin.send.account_id}:{twin.send.message_id}" for twin in twins]
        terms = [Terms(deadline, "twin", key, b"") for key in keys]
        stored = await _settled(await self._mailbox.insert([_incoming(twin) for twin in twins], terms))
        await failpoints.reached("delivery.twin_stored")

        arrived = [twin.send for twin, outcome in zip(twins, stored, strict=True) if not isinstance(outcome, Fault)]
        locked = [twin.send for twin, outcome in zip(twins, stored, strict=True) if isinstance(outcome, Fault)]
        # Nobody can be told whom it is from: the sender's number was taken away in the meantime.
        failed = [twin.send for twin in nameless]
        return locked + await self._settle(arrived, failed, deadline)

    async def _settle(self, arrived: Sequence[Send], failed: Sequence[Send], deadline: float) -> list[Send]:
        now = dates.now()
        settlements = [Settlement(*send[:2], _STATUS_COMPLETED, _ORIGIN_ACCOUNT, now) for send in arrived]
        settlements += [Settlement(*send[:2], _STATUS_FAILED, _ORIGIN_MYSMS, now) for send in failed]
        terms = [Terms(deadline, "settle")] * len(settlements)
        outcomes = await _settled(await self._mailbox.settle(settlements, terms))
        sends = [*arrived, *failed]
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


async def _settled(outcomes: Sequence[Written[int]]) -> list[int | Fault]:
    """Wait for those whose mailbox is locked, all at once."""
    waiting = iter(await asyncio.gather(*(outcome for outcome in outcomes if isawaitable(outcome))))
    return [next(waiting) if isawaitable(outcome) else outcome for outcome in outcomes]
