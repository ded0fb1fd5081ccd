"""Writes: what the mailbox is told to do, many commands in one statement, each with an outcome of its own."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from inspect import isawaitable
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import asyncpg

from shared.bus.routes import Outcome
from shared.contract.events import Fact
from shared.contract.faults import Fault, fault_numbered
from shared.mailbox.patience import Patience
from shared.mailbox.terms import Terms
from shared.postgres.errors import LockTimeout
from shared.postgres.pool import Database

logger = logging.getLogger(__name__)

# Postgres ends its wait so much before the client ends its own: then it is known that nothing was done.
_MARGIN_SECONDS = 0.1
# About as long as a group holds its locks.
_PAUSE_SECONDS = 0.01
# What a statement may take; most take a hundredth of it. A command with less time left is not run, or it could take
# effect after its budget.
_STATEMENT_SECONDS = 0.5
_LOCK_TIMEOUT = "select set_config('lock_timeout', $1, true)"

T = TypeVar("T")
R = TypeVar("R")
# What a write gave, or the promise of it for a command whose mailbox somebody else holds at the moment.
Written: TypeAlias = T | Fault | Awaitable[T | Fault]


class NewMessage(NamedTuple):
    """A message to store, in the order of `message_insert`'s arguments; dates in ms since 1970.

    A `send` is announced to be delivered; `device_id` is the account's device that asked for it, 0 for none, or minus
    the number of the fault that the command gets unless it was done before.
    """

    account_id: int
    address: str
    body: str
    date_sent: int
    read: bool
    locked: bool
    origin: int
    status: int
    incoming: bool
    date_status: int | None = None
    send: bool = False
    device_id: int = 0


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


class Settlement(NamedTuple):
    """What became of a send: its status, its origin (none: unchanged) and the date of both, in ms since 1970."""

    account_id: int
    message_id: int
    status: int
    origin: int | None
    date_status: int | None


class Closing(NamedTuple):
    """Conversations to delete; `addresses` is a JSON array of which unknown and repeated ones count for nothing."""

    account_id: int
    addresses: str


class Write(NamedTuple):
    """A query that writes, and the facts that it may leave in the outbox."""

    query: str
    facts: frozenset[Fact] = frozenset()


class Command(Protocol):
    """What a mailbox is told: a field for each array of the query, the account first."""

    @property
    def account_id(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...


_Asked = tuple[Command, Terms]


class Pools(NamedTuple):
    """Where writes run: on one pool that never waits for a locked mailbox, and on another by turns."""

    database: Database
    patient: Database
    patience: Patience


class Writer(Generic[T]):
    """Runs a group in one statement that skips mailboxes locked by others.

    What was skipped comes again as a group after a short while, since most locks are those of groups like
    it; what is still skipped then waits alone. A query takes one array for each field of the commands, then
    their operation, keys and request hashes, and whether to skip. Its rows come in the commands' order; the second
    column is the answer: null where the mailbox was skipped, minus the number of a fault, or what the write gave.
    `outcome` reads a row: `answered`, or what finds more in it. `written` is told which facts may be new.
    """

    def __init__(
        self,
        pools: Pools,
        outcome: Callable[[asyncpg.Record], T | Fault | None],
        written: Callable[[frozenset[Fact]], None],
    ) -> None:
        self._database = pools.database
        self._patient = pools.patient
        self._patience = pools.patience
        self._outcome = outcome
        self._written = written

    async def write(self, write: Write, commands: Sequence[Command], terms: Sequence[Terms]) -> list[Written[T]]:
        """Run the commands and return an outcome for each; raise `DatabaseError`."""
        written = list(zip(commands, terms, strict=True))
        twins = _twins(written)
        first = [place for place in range(len(written)) if place not in twins]
        outcomes: list[Any] = [None] * len(written)
        for place, outcome in zip(first, await self._grouped(write, [written[place] for place in first]), strict=True):
            outcomes[place] = outcome
        skipped = [place for place in first if outcomes[place] is None]
        if skipped:
            again = asyncio.create_task(self._again(write, [written[place] for place in skipped]))
            for nth, place in enumerate(skipped):
                outcomes[place] = self._late(again, nth, write, written[place])
        for place in twins:
            outcomes[place] = self._patiently(write, *written[place])
        return outcomes

    async def _grouped(self, write: Write, written: Sequence[_Asked]) -> list[Any]:
        """Run a group; the outcome of those whose time is over is 99, of those skipped none."""
        now = time.monotonic()
        least = now + _STATEMENT_SECONDS
        timely = [each for each in written if each[1].deadline > least]
        if not timely:
            return [Fault.UNAVAILABLE] * len(written)
        seconds = min(terms.deadline for _, terms in timely) - now
        rows = iter(await self._database.fetch(write.query, *_arguments(timely), True, timeout=seconds))
        self._written(write.facts)
        return [self._outcome(next(rows)) if terms.deadline > least else Fault.UNAVAILABLE for _, terms in written]

    async def _again(self, write: Write, written: Sequence[_Asked]) -> list[Any]:
        """Run what was skipped once more, without the mailboxes that are known to be locked for longer."""
        await asyncio.sleep(_PAUSE_SECONDS)
        places = [place for place, (each, _) in enumerate(written) if not self._patience.waits(each.account_id)]
        outcomes: list[Any] = [None] * len(written)
        if places:
            try:
                found = await self._grouped(write, [written[place] for place in places])
            except asyncpg.PostgresError:  # one of them is to blame: nothing was done, and each runs alone
                return outcomes
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def _late(self, again: "asyncio.Task[list[Any]]", nth: int, write: Write, written: _Asked) -> Any:
        # Shielded: one command that is given up must not take the others with it.
        outcome = (await asyncio.shield(again))[nth]
        return await self._patiently(write, *written) if outcome is None else outcome

    async def _patiently(self, write: Write, command: Command, terms: Terms) -> Any:
        try:
            async with self._patience.turn(command.account_id, terms.deadline):
                return await self._alone(write, command, terms)
        except (LockTimeout, TimeoutError):
            logger.warning("a mailbox was locked for too long", extra={"account_id": command.account_id})
            return Fault.UNAVAILABLE

    async def _alone(self, write: Write, command: Command, terms: Terms) -> Any:
        seconds = terms.deadline - time.monotonic()
        if seconds <= _MARGIN_SECONDS:
            return Fault.UNAVAILABLE
        wait = f"{max(1, round((seconds - _MARGIN_SECONDS) * 1000))}ms"
        async with self._patient.transaction(timeout=seconds) as connection:
            await connection.fetchval(_LOCK_TIMEOUT, wait)
            (row,) = await connection.fetch(write.query, *_arguments([(command, terms)]), False)
        self._written(write.facts)
        # Not even who waits gets the mailbox of an account that was erased.
        outcome = self._outcome(row)
        return Fault.UNAVAILABLE if outcome is None else outcome


def _twins(written: Sequence[_Asked]) -> set[int]:
    """Return the places of commands whose key another one before them has; they find its answer, one by one."""
    seen: set[tuple[int, str, str]] = set()
    twins: set[int] = set()
    for place, (command, terms) in enumerate(written):
        if terms.key is not None:
            name = (command.account_id, terms.operation, terms.key)
            if name in seen:
                twins.add(place)
            seen.add(name)
    return twins


def _arguments(written: Sequence[_Asked]) -> list[Any]:
    columns = zip(*(command for command, _ in written), strict=True)
    _, operations, keys, hashes = zip(*(terms for _, terms in written), strict=True)
    return [*columns, operations[0], keys, hashes]


def answered(row: asyncpg.Record) -> int | Fault | None:
    """Return the answer in a row, none where the mailbox was skipped."""
    answer: int | None = row[1]
    return fault_numbered(-answer) if answer is not None and answer < 0 else answer


def replied(outcomes: Sequence[Written[T]], reply: Callable[[T], R]) -> list[Outcome[R]]:
    """Return the outcomes as replies, those still waited for as well."""
    return [_later(each, reply) if isawaitable(each) else _reply(each, reply) for each in outcomes]


async def _later(outcome: Awaitable[T | Fault], reply: Callable[[T], R]) -> R | Fault:
    return _reply(await outcome, reply)


def _reply(settled: T | Fault, reply: Callable[[T], R]) -> R | Fault:
    return settled if isinstance(settled, Fault) else reply(settled)
