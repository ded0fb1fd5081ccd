"""Writes: what the mailbox is told to do, many commands in one statement, each with an outcome of its own."""

import time
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, NamedTuple, TypeAlias, TypeVar

from shared.bus.routes import Outcome
from shared.contract.faults import Fault
from shared.mailbox.patience import Patience
from shared.postgres.errors import LockTimeout
from shared.postgres.pool import Database

# Postgres ends its wait so much before the client ends its own: then it is known that nothing was done.
_MARGIN_SECONDS = 0.1
_LOCK_TIMEOUT = "select set_config('lock_timeout', $1, true)"

T = TypeVar("T")
R = TypeVar("R")
# What a write gave, or the promise of it for a command whose mailbox somebody else holds at the moment.
Written: TypeAlias = T | Awaitable[T | Fault]


class NewMessage(NamedTuple):
    """A message to store, in the order of `message_insert`'s arguments; the date in ms since 1970."""

    account_id: int
    address: str
    body: str
    date_sent: int
    read: bool
    locked: bool
    origin: int
    status: int
    incoming: bool


class Flags(NamedTuple):
    """Flags to set on a message; none is unchanged."""

    account_id: int
    message_id: int
    read: bool | None
    locked: bool | None


class Removal(NamedTuple):
    """A message to delete."""

    account_id: int
    message_id: int


class Reading(NamedTuple):
    """A conversation whose incoming messages become read."""

    account_id: int
    address: str


Command = NewMessage | Flags | Removal | Reading


class Writer:
    """Runs a group in one statement that skips mailboxes locked by others, and the skipped commands alone.

    A query takes one array for each field of the commands, then whether to skip. Its rows come in the
    commands' order; the second column is what the write gave, null or false where the mailbox was skipped.
    """

    def __init__(self, database: Database, patient: Database) -> None:
        self._database = database
        self._patient = patient
        self._patience = Patience()

    async def write(
        self, query: str, commands: Sequence[Command], deadlines: Sequence[float]
    ) -> list[Written[Any]]:
        """Run the commands and return an outcome for each; raise `DatabaseError`."""
        seconds = max(deadlines) - time.monotonic()
        columns = zip(*commands, strict=True)
        rows = await self._database.fetch(query, *columns, True, timeout=seconds)
        return [
            row[1] or self._patiently(query, command, deadline)
            for row, command, deadline in zip(rows, commands, deadlines, strict=True)
        ]

    async def _patiently(self, query: str, command: Command, deadline: float) -> Any:
        try:
            async with self._patience.turn(command.account_id, deadline):
                return await self._alone(query, command, deadline - time.monotonic())
        except (LockTimeout, TimeoutError):
            return Fault.UNAVAILABLE

    async def _alone(self, query: str, command: Command, seconds: float) -> Any:
        columns = zip(command, strict=True)
        wait = f"{max(1, round((seconds - _MARGIN_SECONDS) * 1000))}ms"
        async with self._patient.transaction(timeout=seconds) as connection:
            await connection.fetchval(_LOCK_TIMEOUT, wait)
            (row,) = await connection.fetch(query, *columns, False)
        return row[1]


def replied(outcomes: Sequence[Written[T]], reply: Callable[[T], R]) -> list[Outcome[R]]:
    """Return the outcomes as replies, those still waited for as well."""
    return [_later(each, reply) if isawaitable(each) else reply(each) for each in outcomes]


async def _later(outcome: Awaitable[T | Fault], reply: Callable[[T], R]) -> R | Fault:
    settled = await outcome
    return settled if isinstance(settled, Fault) else reply(settled)
