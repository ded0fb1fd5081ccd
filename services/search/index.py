"""The index: what search asks of a backend. A backend that is away raises `Away`, and whoever asked comes again."""

# ruff: noqa: ASYNC109 - every use must name its time limit, and a backend bounds all of its use by it

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from services.search.query import Query


class Document(NamedTuple):
    """A message as the index has it; `words` are joined by one blank, `date_sent` is in ms since 1970."""

    account_id: int
    message_id: int
    change_seq: int
    address: str
    locked: bool
    date_sent: int
    words: str


class Gone(NamedTuple):
    """A message that is not there any more."""

    account_id: int
    message_id: int
    change_seq: int


class Version(NamedTuple):
    """Which state of a message the index has; in the order of their fields they are in the order of the keys."""

    account_id: int
    message_id: int
    change_seq: int


class Hit(NamedTuple):
    """A message that was found; in the order of the fields the greatest is the newest."""

    date_sent: int
    message_id: int


class Wanted(NamedTuple):
    """What to find: messages of one account that a query matches, and all of them where it has no phrase.

    `address` is none for any address, `locked` restricts to locked messages.
    """

    account_id: int
    query: Query
    address: str | None
    locked: bool


class Renewal(Protocol):
    """What an index is made anew in: `in_place` says that it still has what the mailboxes have not."""

    @property
    def in_place(self) -> bool: ...

    async def write(self, documents: Sequence[Document], *, timeout: float) -> int:
        """Take documents, and return how many can never be taken; raise `Away`."""


class Index(Protocol):
    """An index of messages. Timeouts are in seconds and bound everything that a method does."""

    async def write(self, changes: Sequence[Document | Gone], *, timeout: float) -> None:
        """Take changes, no two of one message; an older `change_seq` never overwrites a newer one, and is a success."""

    def is_exact(self, query: Query) -> bool:
        """Whether everything that it finds for a query matches; else there may be more, but nothing is missing."""

    async def find(self, wanted: Wanted, after: Hit | None, most: int, *, timeout: float) -> list[Hit]:
        """Return at most so many messages behind `after`, newest first; fewer than `most` are the last ones."""

    async def versions(self, after: tuple[int, int], most: int, *, timeout: float) -> list[Version]:
        """Return the documents behind a key of account and message, in the order of their keys.

        Fewer than `most` are the last ones; what is gone is not among them.
        """

    async def forget(self, account_id: int, *, timeout: float) -> int:
        """Remove everything of an account, and return how many documents of it there were."""

    async def probe(self) -> None:
        """Raise `Away` while the index could do nothing."""

    def renewal(self) -> AbstractAsyncContextManager[Renewal]:
        """Give what is to be filled with every message; it takes over at the end of the block, unless that raises."""
