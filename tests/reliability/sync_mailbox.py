"""The mailbox of one account, past the API: what changed when, and what the service does once a day or an hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import asyncpg

import shared.mailbox
from shared.postgres.queries import load_queries
from tests.reliability.aside import Aside

_MOST = 10_000
_CHANGES = """
select message_id, change_seq, date_sent, not (deleted or coalesce(closed, true)) as is_there
from message left join conversation using (account_id, conversation_id) where account_id = $1
"""
# What is older than a day; the command line and the upkeep find and remove it so, in steps.
_EXPIRE = """
select mailbox_expire($1, array(
  select message_id from mailbox_expired($1, retention_before(1), 0, 0, 0, 1000)
), retention_before(1), 1)
"""


@dataclass(frozen=True)
class State:
    """Where a message stands: the number of its last change, its date, and whether readers still see it."""

    change_seq: int
    date_sent: int
    is_there: bool


class Mailbox:
    """Of one account, on a connection of its own, which any thread may use."""

    def __init__(self, url: str, account_id: int, aside: Aside) -> None:
        self._account_id = account_id
        self._aside = aside
        self._turn = Lock()
        self._queries = load_queries(Path(shared.mailbox.__file__).parent / "sql")
        self._connection: asyncpg.Connection = aside.run(asyncpg.connect(url))

    def close(self) -> None:
        self._aside.run(self._connection.close())

    def states(self) -> Mapping[int, State]:
        """Return each message that is kept, by its id, tombstones too."""
        rows = self._rows(_CHANGES, self._account_id)
        return {row["message_id"]: State(row["change_seq"], row["date_sent"], row["is_there"]) for row in rows}

    def mark(self, message_id: int, *, read: bool) -> None:
        """Change a message as a command does."""
        change = [self._account_id], [message_id], [read], [None]
        self._rows(self._queries["update"], *change, "message.update", [], [], False)

    def expire(self) -> None:
        """Let retention remove what is too old."""
        self._rows(_EXPIRE, self._account_id)

    def remove_tombstones(self) -> None:
        """Remove those that no device waits for, as the upkeep does every hour."""
        rows = self._rows(self._queries["tombstones_behind"], self._account_id, 0, _MOST)
        free = [row["message_id"] for row in rows if row["account_id"] == self._account_id and not row["waited_for"]]
        self._rows(self._queries["remove_tombstones"], [self._account_id] * len(free), free)

    def _rows(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        with self._turn:
            return self._aside.run(self._connection.fetch(statement, *arguments))
