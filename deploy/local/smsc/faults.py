"""Faults: what the simulator does with a message, by the last three digits of the number that it is for.

Numbers that are not here get their message. `services/delivery/README.md` has this table for people; a test holds the
two against each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_DIGITS = 3
_INVALID_DESTINATION = 0x0B
_THROTTLED = 0x58
_QUEUE_FULL = 0x14
_DELIVERY_FAILURE = 0x64
_OF_A_VENDOR = 0x410


class LinkFault(StrEnum):
    """What becomes of the answer to a message, or of its link."""

    DROP_BEFORE = "drop before the answer"
    DROP_AFTER = "drop after the answer"
    SILENT = "no answer"
    NACK = "generic_nack"
    UNBIND = "unbind after the answer"
    BYTES = "the answer byte by byte"
    LATE = "a late answer"


class IdForm(StrEnum):
    """How the id of a message looks in the answer, and in its receipts."""

    SAME = "same"
    HEX_THEN_DECIMAL = "hex, then decimal"
    DECIMAL_THEN_HEX = "decimal, then hex"


@dataclass(frozen=True)
class Said:
    """A receipt: what it says, so many seconds after the answer; so long before it where that is less than 0."""

    state: str
    seconds: float = 0.5


@dataclass(frozen=True)
class Reply:
    """A message that the recipient answers with; `parts` are the numbers of its parts in the order of their coming."""

    text: str
    parts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fault:
    """What happens to a message; it is refused with `refusals`, one after the other, before it is accepted."""

    meaning: str
    refusals: tuple[int, ...] = ()
    for_ever: bool = False
    receipts: tuple[Said, ...] = (Said("DELIVRD"),)
    link: LinkFault | None = None
    ids: IdForm = IdForm.SAME
    seconds_in_dates: bool = False
    vendor_tlvs: bool = False
    reply: Reply | None = None


_LONG = "This answer is longer than one message can be, so it comes in three parts, each of which knows its place. "
_NONE = Fault("accepted, and delivered half a second later")
FAULTS: Mapping[str, Fault] = {
    "901": Fault("refused for good (0x0B)", refusals=(_INVALID_DESTINATION,), for_ever=True),
    "902": Fault("throttled twice (0x58), then accepted", refusals=(_THROTTLED, _THROTTLED)),
    "903": Fault("its queue is full for ever (0x14)", refusals=(_QUEUE_FULL,), for_ever=True),
    "904": Fault("refused once for a time (0x64), then accepted", refusals=(_DELIVERY_FAILURE,)),
    "905": Fault("refused with a status of a vendor (0x410)", refusals=(_OF_A_VENDOR,), for_ever=True),
    "911": Fault("accepted, but the link drops before the answer", link=LinkFault.DROP_BEFORE),
    "912": Fault("the link drops after the answer; the receipt comes by the next bind", link=LinkFault.DROP_AFTER),
    "913": Fault("accepted, but never answered", link=LinkFault.SILENT, receipts=()),
    "914": Fault("answered with generic_nack", link=LinkFault.NACK, receipts=()),
    "915": Fault("the carrier unbinds after the answer", link=LinkFault.UNBIND),
    "916": Fault("the answer comes byte by byte", link=LinkFault.BYTES),
    "917": Fault("the answer comes after 3 seconds", link=LinkFault.LATE),
    "921": Fault("no receipt", receipts=()),
    "922": Fault("the receipt comes after 3 seconds", receipts=(Said("DELIVRD", 3.0),)),
    "923": Fault("the receipt comes before the answer", receipts=(Said("DELIVRD", -0.3),)),
    "924": Fault("the receipt comes twice", receipts=(Said("DELIVRD"), Said("DELIVRD", 0.8))),
    "925": Fault(
        "a receipt that it is on its way, then the last one", receipts=(Said("ACCEPTD"), Said("DELIVRD", 1.0))
    ),
    "926": Fault("a receipt that it was not delivered", receipts=(Said("UNDELIV"),)),
    "927": Fault("a receipt that its time was over", receipts=(Said("EXPIRED"),)),
    "928": Fault("a receipt with seconds in its dates", seconds_in_dates=True),
    "929": Fault("a receipt with parameters of a vendor", vendor_tlvs=True),
    "931": Fault("an id in hex, in the receipt in decimal", ids=IdForm.HEX_THEN_DECIMAL),
    "932": Fault("an id in decimal, in the receipt in hex", ids=IdForm.DECIMAL_THEN_HEX),
    "941": Fault("the recipient answers STOP", reply=Reply("STOP")),
    "942": Fault("the recipient answers START", reply=Reply("START")),
    "943": Fault("the recipient answers in three parts", reply=Reply(_LONG * 3, (1, 2, 3))),
    "944": Fault("the same, in the wrong order and one of them twice", reply=Reply(_LONG * 3, (3, 1, 1, 2))),
    "945": Fault("the same, and the second part is missing", reply=Reply(_LONG * 3, (1, 3))),
}


def fault_of(number: str) -> Fault:
    """Return what happens to a message for a number."""
    return FAULTS.get(number[-_DIGITS:], _NONE)
