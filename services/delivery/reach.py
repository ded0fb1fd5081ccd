"""Reach: what the loops of a delivery worker work with, and what decides where a message goes."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from services.delivery.carriers.carrier import Carrier, Unanswered, UnknownPolicy
from services.delivery.guards import Guard
from services.delivery.recipients import Recipients
from services.delivery.store import Store
from services.delivery.twins import Twins
from shared.mailbox.store import Mailbox


class Routes(Protocol):
    """Which carrier takes a message for digits from a sender; none of those that were tried."""

    def choose(self, recipient: str, sender: str, tried: Collection[str]) -> str | None: ...

    def unknown(self, recipient: str, sender: str) -> UnknownPolicy | None: ...


class Carriers(Protocol):
    """The carriers and routes as they are at the moment."""

    @property
    def has_file(self) -> bool: ...

    @property
    def routes(self) -> Routes: ...

    @property
    def names(self) -> Sequence[str]: ...

    def carrier(self, name: str) -> Carrier | None: ...

    def sender(self, name: str, own: str) -> str: ...

    def gives_receipts(self, name: str) -> bool: ...

    def fallback_after(self, name: str) -> float: ...

    def unanswered(self, name: str, recipient: str, sender: str) -> Unanswered: ...


class Reach(NamedTuple):
    """The mailboxes, the tables of delivery, and who has which number."""

    mailbox: Mailbox
    store: Store
    recipients: Recipients
    twins: Twins


class Ways(NamedTuple):
    """Where messages go, and what keeps them from going."""

    carriers: Carriers
    guard: Guard
