"""Arrivals: receipts and inbound messages are kept before the carrier is told that they arrived."""

import time
from collections.abc import Callable, Sequence
from inspect import isawaitable

from services.delivery import measures
from services.delivery.batches import Batches
from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt
from services.delivery.parts import Passing
from services.delivery.recipients import Recipients
from services.delivery.storable import storable
from services.delivery.store import Store
from shared.contract.faults import Away, Fault
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.mailbox.writes import NewMessage

_SECONDS = 5.0
# Of a carrier in a minute, or one that has gone wrong would fill the disk.
_MOST_STRANGERS = 600
_STATUS_NONE = 0
_ORIGIN_MYSMS = 1
# Numbers of so many digits are short codes, which are no numbers of a country.
_SHORT_CODE_DIGITS = 6
_NUMBER_DIGITS = 15


class KeptArrivals:
    """Keeps what carriers bring; `ended` is told when jobs may have ended by it."""

    def __init__(
        self, mailbox: Mailbox, recipients: Recipients, store: Store, parts: Passing, ended: Callable[[], None]
    ) -> None:
        self._mailbox = mailbox
        self._recipients = recipients
        self._store = store
        self._parts = parts
        self._ended = ended
        self._receipts = Batches(self._keep_receipts)

    async def receipt(self, receipt: Receipt) -> None:
        """Keep a receipt; one that comes again changes nothing. Raise `DatabaseError`."""
        clean = receipt._replace(carrier_id=storable(receipt.carrier_id), reason=storable(receipt.reason))
        await self._receipts.do(clean)

    async def inbound(self, inbound: Inbound) -> None:
        """Store a message for the account that has its number; the same one again has no effect. Raise `Away`."""
        inbound = inbound._replace(
            inbound_id=storable(inbound.inbound_id),
            sender=storable(inbound.sender),
            destination=storable(inbound.destination),
            text=storable(inbound.text),
        )
        number = int(inbound.destination) if _is_number(inbound.destination) else 0
        accounts, _ = await self._recipients.find({number} if number else set(), set())
        account_id = accounts.get(number, 0)
        measures.inbound(known=bool(account_id))
        if account_id:
            await self._insert(account_id, inbound)
        else:
            measures.strange(kept=await self._store.keep_stranger(inbound, _MOST_STRANGERS))

    async def part(self, part: InboundPart) -> None:
        """Keep a part of a message, which goes on when it is whole or late. Raise `DatabaseError` or `Away`."""
        await self._parts.keep(part)

    async def _insert(self, account_id: int, inbound: Inbound) -> None:
        terms = Terms(time.monotonic() + _SECONDS, "mo", f"{inbound.carrier}:{inbound.inbound_id}", b"")
        (outcome,) = await self._mailbox.insert([_message(account_id, inbound)], [terms])
        stored = await outcome if isawaitable(outcome) else outcome
        if isinstance(stored, Fault):
            raise Away("the mailbox is locked")

    async def _keep_receipts(self, receipts: Sequence[Receipt]) -> None:
        matched = await self._store.receipts(receipts)
        measures.receipts(matched, len(receipts) - matched)
        self._ended()


def _message(account_id: int, inbound: Inbound) -> NewMessage:
    return NewMessage(
        account_id=account_id,
        address=_address(inbound.sender),
        body=inbound.text,
        date_sent=inbound.at,
        read=False,
        locked=False,
        origin=_ORIGIN_MYSMS,
        status=_STATUS_NONE,
        incoming=True,
    )


def _address(sender: str) -> str:
    return f"+{sender}" if _is_number(sender) and len(sender) > _SHORT_CODE_DIGITS else sender


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS
