"""Statuses: what a carrier's answer to a submission means for what comes next."""

from collections.abc import Mapping

from services.delivery.carriers.carrier import Refusal
from services.delivery.carriers.options import Verdict

THROTTLED = 0x58
QUEUE_FULL = 0x14
ALREADY_BOUND = 0x05

ACCOUNT = (0x04, ALREADY_BOUND, 0x0D, 0x0E, 0x0F, 0x53)
# Length, address, coding and parameters: the same message would be refused again.
_PERMANENT = (
    0x01, 0x02, 0x03, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x15, 0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x48, 0x49, 0x50, 0x51,
    0x54, 0x55, 0x61, 0x62, 0x63, 0x65, 0x66, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0x104,
)  # fmt: skip

_KINDS: Mapping[int, Refusal] = {
    THROTTLED: Refusal.SLOW_DOWN,
    QUEUE_FULL: Refusal.FULL,
    **dict.fromkeys(ACCOUNT, Refusal.ACCOUNT),
    **dict.fromkeys(_PERMANENT, Refusal.PERMANENT),
}


def verdict(status: int, own: Mapping[int, Verdict]) -> Verdict:
    """Return what a status means, by the carrier's `own` table first; one that nobody knows may pass."""
    return own.get(status) or _KINDS.get(status, Refusal.TEMPORARY)


def shown(status: int) -> str:
    """Return a status as manuals of carriers have it."""
    return f"0x{status:02X}"
