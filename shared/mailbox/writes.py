"""Writes: what the mailbox is told to do, many commands in one statement, each with an outcome of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import asyncpg

from shared.bus.routes import Outcome
from shared.contract.faults import Fault
from shared.mailbox.patience import Patience
from shared.postgres.errors import LockTimeout
from shared.postgres.pool import Database

# Postgres ends its wait so much before the client ends its own: then it is known that nothing was done.
_MARGIN_SECONDS = 0.1
# About as long as a group holds its locks.
_PAUSE_SECONDS = 0.01
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
    """Runs a group in one statement that skips mailboxes locked by others.

    What was skipped comes again as a group after a short while, since most locks are those of groups like
    it; what is still skipped then waits alone. A query takes one array for each field of the commands, then
    whether to skip. Its rows come in the commands' order; the second column is what the write gave, null or
    false where it was skipped.
    """

    def __init__(self, database: Database, patient: Database) -> None:
        self._database = database
        self._patient = patient
        self._patience = Patience()

    async def write(self, query: str, commands: Sequence[Command], deadlines: Sequence[float]) -> list[Written[Any]]:
        """Run the commands and return an outcome for each; raise `DatabaseError`."""
        outcomes = await self._grouped(query, commands, deadlines)
        skipped = [place for place, outcome in enumerate(outcomes) if not outcome]
        if skipped:
            late = [commands[place] for place in skipped], [deadlines[place] for place in skipped]
            again = asyncio.create_task(self._again(query, *late))
            for nth, place in enumerate(skipped):
                outcomes[place] = self._late(again, nth, query, commands[place], deadlines[place])
        return outcomes

    async def _grouped(self, query: str, commands: Sequence[Command], deadlines: Sequence[float]) -> list[Any]:
        seconds = max(deadlines) - time.monotonic()
        columns = zip(*commands, strict=True)
        return [row[1] for row in await self._database.fetch(query, *columns, True, timeout=seconds)]

    async def _again(self, query: str, commands: Sequence[Command], deadlines: Sequence[float]) -> list[Any]:
        """Run what was skipped once more, without the mailboxes that are known to be locked for longer."""
        await asyncio.sleep(_PAUSE_SECONDS)
        places = [place for place, each in enumerate(commands) if not self._patience.waits(each.account_id)]
        outcomes: list[Any] = [None] * len(commands)
        if places:
            chosen = [commands[place] for place in places], [deadlines[place] for place in places]
            try:
                found = await self._grouped(query, *chosen)
            except asyncpg.PostgresError:  # one of them is to blame: nothing was done, and each runs alone
                return outcomes
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def _late(
        self, again: "asyncio.Task[list[Any]]", nth: int, query: str, command: Command, deadline: float
    ) -> Any:
        # Shielded: one command that is given up must not take the others with it.
        outcomes = await asyncio.shield(again)
        return outcomes[nth] or await self._patiently(query, command, deadline)

    async def _patiently(self, query: str, command: Command, deadline: float) -> Any:
        try:
            async with self._patience.turn(command.account_id, deadline):
                return await self._alone(query, command, deadline - time.monotonic())
        except (LockTimeout, TimeoutError):
            return Fault.UNAVAILABLE

    async def _alone(self, query: str, command: Command, seconds: float) -> Any:
        columns = ([value] for value in command)
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
