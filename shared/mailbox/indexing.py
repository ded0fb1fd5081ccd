"""What an index needs of the mailboxes: how messages stand, all of them in turn, and those that it found."""

# ruff: noqa: ASYNC109 - every use must name its time limit, and one call is one statement

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shared.mailbox.rules import PAGE_OCTETS, Entry
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

# Texts of more take as much memory as a process has.
_PART_OCTETS = 4 * 1_048_576
_SCAN_MESSAGES = 1000

# A message by account and id.
Pointer = tuple[int, int]


class State(NamedTuple):
    """How a message stands; `date_sent` is in ms since 1970."""

    account_id: int
    message_id: int
    change_seq: int
    address: str
    locked: bool
    date_sent: int
    body: str

    @property
    def pointer(self) -> Pointer:
        return self.account_id, self.message_id


class Indexing:
    """Reads mailboxes for an index; everything raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def states(
        self, pointers: Collection[Pointer], *, octets: int = _PART_OCTETS, timeout: float
    ) -> tuple[Mapping[Pointer, State], Sequence[Pointer]]:
        """Return those of the messages that stand, and those that are to be asked for again.

        Texts come up to so many octets in all, one in any case.

        What is in neither is gone or was never there.
        """
        columns = zip(*pointers, strict=True)
        rows = await self._database.fetch(self._queries["states"], *columns, octets, timeout=timeout)
        found = {(row["account_id"], row["message_id"]): row for row in rows}
        whole = {pointer: State(*row) for pointer, row in found.items() if row["body"] is not None}
        return whole, [pointer for pointer in found if pointer not in whole]

    async def count(self, *, timeout: float) -> int:
        """Return how many messages of all accounts stand."""
        return int(await self._database.fetchval(self._queries["count_messages"], timeout=timeout))

    async def random_place(self, *, timeout: float) -> Pointer:
        """Return a place somewhere among all messages."""
        row = await self._database.fetchrow(self._queries["random_place"], timeout=timeout)
        return tuple(row) if row else (0, 0)

    async def scan(self, behind: Pointer = (0, 0), *, timeout: float) -> AsyncGenerator[Sequence[State], None]:
        """Give all messages of all accounts that stand, part after part, in the order of accounts and ids.

        A part is as the mailboxes are when it is asked for.
        """
        while True:
            rows = await self._database.fetch(
                self._queries["scan_messages"], *behind, _SCAN_MESSAGES, _PART_OCTETS, timeout=timeout
            )
            part = [State(*row) for row in rows if row["body"] is not None]
            if not part:
                return
            behind = part[-1].pointer
            yield [state for state in part if state.address is not None]

    async def messages(
        self, account_id: int, message_ids: Collection[int], *, locked: bool, timeout: float
    ) -> Sequence[Entry]:
        """Return those of an account's messages that stand, newest first, as wire entries (`UserMessageMessage`).

        They end with the one that an answer does not hold any more. `locked` leaves out those that are not.
        """
        query = self._queries["messages_by_id"]
        rows = await self._database.fetch(query, account_id, message_ids, locked, PAGE_OCTETS, timeout=timeout)
        return [dict(row) for row in rows]
