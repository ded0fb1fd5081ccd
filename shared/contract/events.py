"""Events: facts on the broker, in the past tense.

An event is a pointer and never holds a body. No order is promised, and an event may come again: a consumer looks at
the message as it stands, and compares change numbers.
"""

from enum import IntEnum
from typing import NamedTuple


class Fact(IntEnum):
    """What happened; the numbers stand in the outbox and on the broker, and never change."""

    MESSAGE_STORED = 1
    MESSAGE_CHANGED = 2
    MESSAGE_DELETED = 3
    SEND_REQUESTED = 4


class Event(NamedTuple):
    """A fact about one message; `at` is when it was written, in ms since 1970 by the database's clock.

    `fact` is a plain number where this code does not know it.
    """

    fact: int
    account_id: int
    message_id: int
    change_seq: int
    at: int
