"""Guards: what must not be sent, whatever an account asks for; a message that they refuse is never sent.

They look at texts and numbers here, and in the database at what all workers share: the stop, opt-outs and caps.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

from pydantic import AfterValidator, Field, field_validator

from services.delivery.carriers.carrier import Submission
from services.delivery.carriers.options import PREFIX, Table
from services.delivery.numbers import region
from services.delivery.segments import PART_CHARACTERS, Unsendable, segments
from services.delivery.senders import Countries, Senders, each_once, may_send

# So many characters at most become one when they are composed.
COMPOSED = 4
# A message says in one octet of which part it is.
MOST_PARTS = 255
# Longer texts are more parts than any carrier takes, and not to be carried around.
MOST_CHARACTERS = COMPOSED * MOST_PARTS * PART_CHARACTERS


class Cap(Table):
    """How many parts each account may send in a day (UTC) to numbers that begin with `prefix`."""

    prefix: str = Field(default="", pattern=PREFIX)
    parts: int = Field(ge=0, le=2**31 - 1)


class Guards(Table):
    """The limits of the file of carriers; no `countries` mean all."""

    parts: int = Field(default=10, ge=1, le=MOST_PARTS)
    countries: Countries = frozenset()
    senders: Annotated[tuple[Senders, ...], AfterValidator(each_once)] = ()
    caps: tuple[Cap, ...] = ()

    @field_validator("caps")
    @classmethod
    def _each_once(cls, caps: tuple[Cap, ...]) -> tuple[Cap, ...]:
        if len({cap.prefix for cap in caps}) < len(caps):
            raise ValueError("two for one prefix")
        return caps


class Reason(StrEnum):
    """Why a message is not sent, as its timeline says it."""

    STOPPED = "sending is stopped"
    DISABLED = "the account is disabled"
    OPTED_OUT = "the recipient opted out"
    CAPPED = "a cap of the account is reached"
    NO_NUMBER = "no possible number"
    COUNTRY = "a country that is not allowed"
    SENDER = "a sender that is not allowed in its country"
    PARTS = "too many parts"
    TEXT = "a text that no SMS can hold"


class Check(NamedTuple):
    """A message before it is sent; one that was counted before counts for no cap again."""

    submission: Submission
    counted: bool = False


class Sized(NamedTuple):
    """A message that the first look lets through, and the parts that its caps count."""

    check: Check
    parts: int


class GuardStore(Protocol):
    """What all workers share."""

    async def refusals(self, messages: Sequence[Sized], caps: Sequence[Cap]) -> Sequence[Reason | None]: ...


class Guard:
    """Says of messages whether they may be sent, by what the file says at that time."""

    def __init__(self, store: GuardStore, guards: Callable[[], Guards]) -> None:
        self._store = store
        self._guards = guards

    async def refusals(self, checks: Sequence[Check]) -> Sequence[Reason | None]:
        """Return for each message why it must not be sent, or none; count those that may for their caps.

        Raises `DatabaseError`; then some may be counted, and nothing may be sent.
        """
        guards = self._guards()
        looks = [_look(check, guards) for check in checks]
        shared = [look for look in looks if isinstance(look, Sized)]
        answers = iter(await self._store.refusals(shared, guards.caps) if shared else ())
        return [next(answers) if isinstance(look, Sized) else look for look in looks]


def _look(check: Check, guards: Guards) -> Sized | Reason:
    """Return why a message is refused without a look at what others sent, or its size."""
    country = region(check.submission.recipient)
    if country is None:
        return Reason.NO_NUMBER
    if guards.countries and country not in guards.countries:
        return Reason.COUNTRY
    if not may_send(guards.senders, check.submission.sender, country):
        return Reason.SENDER
    # To cut a text of megabytes would hold up everybody.
    if len(check.submission.text) > COMPOSED * PART_CHARACTERS * guards.parts:
        return Reason.PARTS
    try:
        parts = len(segments(check.submission.text, check.submission.encoding).parts)
    except Unsendable:
        return Reason.TEXT
    return Reason.PARTS if parts > guards.parts else Sized(check, parts)
