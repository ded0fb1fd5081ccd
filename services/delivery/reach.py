"""Reach: what the loops of a delivery worker work with, and what decides where a message goes."""

from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple, Protocol, TypeAlias

from services.delivery.carriers.carrier import Submission
from services.delivery.recipients import Recipients
from services.delivery.store import Store
from services.delivery.twins import Twins
from shared.mailbox.store import Mailbox

# Says why a message must not be sent, or none.
Guard: TypeAlias = Callable[[Submission], Awaitable[str | None]]


class Routes(Protocol):
    """Which carrier takes a message for digits of a sender; none of those that were tried."""

    def choose(self, recipient: str, sender: str, tried: Collection[str]) -> str | None: ...


class Reach(NamedTuple):
    """The mailboxes, the tables of delivery, and who has which number."""

    mailbox: Mailbox
    store: Store
    recipients: Recipients
    twins: Twins


class Ways(NamedTuple):
    """Where messages go, and what keeps them from going."""

    routes: Routes
    guard: Guard
