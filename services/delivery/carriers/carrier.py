"""What a carrier is: it takes one message and says what became of it; later it brings receipts and answers.

A carrier of another kind is one file beside this one, and a row in `kinds.py`.
"""

import math
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

UnknownPolicy = Literal["resend", "fail"]


class Unanswered(NamedTuple):
    """What becomes of a message that was written and not answered: it waits for so long first, where more may come."""

    policy: UnknownPolicy
    wait_ms: int = 0


class Submission(NamedTuple):
    """One message for one number; `expires_at` in ms since 1970, after which it is never sent.

    After `deadline`, by the clock of the loop, nothing of it is begun any more, and soon nobody waits for its answer.
    """

    account_id: int
    message_id: int
    job_id: int
    sender: str
    # Digits, without a plus.
    recipient: str
    text: str
    # As the wire has it: 0 is 7-bit, 1 8-bit, 2 UCS2.
    encoding: int
    expires_at: int
    deadline: float = math.inf


class Refusal(StrEnum):
    """What a refusal means for what comes next."""

    # Try again later; counts as an attempt.
    TEMPORARY = "temporary"
    # This message will never be taken.
    PERMANENT = "permanent"
    # Try this one again later, others may go; no attempt.
    LATER = "later"
    # Its number takes no more now, or where many say so the carrier; no attempt.
    FULL = "full"
    # Hold everything for this carrier a while; no attempt.
    SLOW_DOWN = "slow down"
    # Our account with the carrier is wrong: no message is to blame, nothing is sent until somebody has looked.
    ACCOUNT = "account"


class Accepted(NamedTuple):
    """The carrier has it; an id for each part, none where the carrier gives none."""

    carrier_ids: tuple[str, ...]


class Refused(NamedTuple):
    """The carrier does not take it; `after_seconds` is how long the carrier asked to wait."""

    kind: Refusal
    reason: str
    after_seconds: float | None = None


class Unknown(NamedTuple):
    """It was written, and no answer says what became of it; `carrier_ids` where its receipts are known without one.

    `late`, where the answer may still come, waits for it; what is unknown then too is so for good.
    """

    reason: str
    carrier_ids: tuple[str, ...] = ()
    late: "Late | None" = None


class NotSent(NamedTuple):
    """Nothing left this process."""

    reason: str


Outcome = Accepted | Refused | Unknown | NotSent
# It ends when it is claimed again; no carrier is to blame.
EXPIRED = Refused(Refusal.LATER, "its time is over")
Late = Callable[[], Awaitable[Outcome]]


class Carrier(Protocol):
    """Takes messages to a carrier; `rate` a second, at most `window` at the same time.

    `submit` never raises for what a carrier or a network does; reasons hold no text, no number and no secret. A
    submission that could not be begun in its time is not sent.
    """

    @property
    def name(self) -> str: ...

    @property
    def rate(self) -> float: ...

    @property
    def window(self) -> int: ...

    @property
    def open(self) -> bool:
        """Whether submissions can leave: nothing is claimed for a carrier that is not open."""

    async def submit(self, submission: Submission) -> Outcome: ...

    async def close(self) -> None: ...


class ReceiptState(StrEnum):
    """What a receipt says of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    # On its way; says nothing that is final.
    INTERMEDIATE = "intermediate"


class Receipt(NamedTuple):
    """What became of an accepted part; `number` is the recipient where the carrier says it, `at` in ms since 1970."""

    carrier: str
    carrier_id: str
    number: str | None
    state: ReceiptState
    reason: str
    at: int


class Inbound(NamedTuple):
    """A message to one of our numbers, both in digits; the same `inbound_id` is the same message."""

    carrier: str
    inbound_id: str
    sender: str
    destination: str
    text: str
    at: int


class InboundPart(NamedTuple):
    """Part `number`, from 1, of a long message to one of our numbers, which has `total`.

    Its other parts have the same sender, destination, reference and total; the same text there is the same part.
    """

    carrier: str
    sender: str
    destination: str
    reference: int
    total: int
    number: int
    text: str
    at: int


class Arrivals(Protocol):
    """Where receipts and inbound messages are kept before the carrier is told that they arrived.

    All raise `DatabaseError` or `Away` when they cannot be kept; each may come again.
    """

    async def receipt(self, receipt: Receipt) -> None: ...

    async def inbound(self, inbound: Inbound) -> None: ...

    async def part(self, part: InboundPart) -> None: ...
