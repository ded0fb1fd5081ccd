"""Sends: outgoing messages that are to be delivered."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

# Texts of more take longer to store than a statement may, and as much memory as a process has.
PART_OCTETS = 4 * 1_048_576


class Send(NamedTuple):
    """A message to be delivered to `address`; dates in ms since 1970, `due_at` is none where it is due."""

    account_id: int
    message_id: int
    address: str
    body: str
    date_sent: int
    due_at: int | None


class SmsSend(NamedTuple):
    """A text for carriers, in the order of `sms_send`'s arguments; dates in ms since 1970, `due_at` is none for now.

    `recipients` is a JSON array of digits; without `store` it is kept nowhere but in its jobs. `carriers` is an array
    like it, of their carriers, where they are chosen; nobody sends them later than `validity_ms` after their date.
    """

    account_id: int
    recipients: str
    body: str
    date_sent: int
    due_at: int | None
    encoding: int
    origin: int
    store: bool
    sender: str
    carriers: str = "[]"
    validity_ms: int = 0


class Sized(NamedTuple):
    """A message by account and id, and how long its text is."""

    account_id: int
    message_id: int
    octets: int


def parts(messages: Iterable[Sized], octets: int = PART_OCTETS) -> Iterator[Sequence[Sized]]:
    """Split messages into runs of at most so many octets of text, a longer one by itself."""
    part: list[Sized] = []
    room = octets
    for message in messages:
        if part and message.octets > room:
            yield part
            part, room = [], octets
        part.append(message)
        room -= message.octets
    if part:
        yield part
