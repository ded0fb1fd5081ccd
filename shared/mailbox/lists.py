"""Writes on lists of messages; ids that are unknown, gone or named twice are left out."""

from collections.abc import Iterable
from typing import NamedTuple


class RemovalList(NamedTuple):
    """Messages to delete; `message_ids` comes from `id_list`."""

    account_id: int
    message_ids: str


class LockList(NamedTuple):
    """Messages to lock or unlock; `message_ids` comes from `id_list`."""

    account_id: int
    message_ids: str
    locked: bool


def id_list(message_ids: Iterable[int]) -> str:
    """Return the text of an array in Postgres: a group's lists, of different lengths, make no array themselves."""
    return f"{{{','.join(map(str, message_ids))}}}"
