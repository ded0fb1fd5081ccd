"""What delivery does when a send was asked for: an account gets its twin at once, everything else becomes a job."""

from collections.abc import Callable, Sequence

from services.delivery.reach import Reach
from services.delivery.twins import Twin
from shared.contract.events import Event
from shared.mailbox.sends import Send

_SECONDS = 5.0
_STATUS_FAILED = 3
_ORIGIN_MYSMS = 1


class Sends:
    """Delivers sends to the mailboxes of accounts, and makes jobs of those to anybody else, or for a later date.

    `kept` is told when there are new jobs.
    """

    def __init__(self, reach: Reach, kept: Callable[[], None]) -> None:
        self._mailbox, self._store, self._recipients, self._twins = reach
        self._kept = kept

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
        await self._keep([send for send in sends if send.due_at is not None or not accounts[_msisdn(send)]])
        twins = [
            Twin(send, accounts[_msisdn(send)], numbers[send.account_id])
            for send in await self._without_jobs([send for send in due if accounts[_msisdn(send)]])
        ]
        # Nobody can be told whom it is from: the sender's number was taken away in the meantime.
        nameless = [twin.send for twin in twins if not twin.sender_msisdn]
        locked = await self._twins.settle(nameless, _STATUS_FAILED, _ORIGIN_MYSMS)
        return locked + await self._twins.deliver([twin for twin in twins if twin.sender_msisdn])

    async def _without_jobs(self, sends: Sequence[Send]) -> list[Send]:
        """Leave out those that were kept before, when the recipient had no account."""
        kept = await self._store.having_jobs(sends) if sends else set()
        return [send for send in sends if send[:2] not in kept]

    async def _keep(self, sends: Sequence[Send]) -> None:
        if sends:
            await self._store.keep(sends)
            self._kept()


def _msisdn(send: Send) -> int:
    return int(send.address.removeprefix("+"))
