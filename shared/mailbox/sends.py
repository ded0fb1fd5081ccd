"""Sends: outgoing messages that are to be delivered."""

from typing import NamedTuple


class Send(NamedTuple):
    """A message to be delivered to `address`; dates in ms since 1970, `due_at` is none where it is due."""

    account_id: int
    message_id: int
    address: str
    body: str
    date_sent: int
    due_at: int | None
