"""Yardstick: the bare statement, what the service's worker asks of Postgres, with nothing around it."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from shared.mailbox.pages import Page
from shared.mailbox.rules import PAGE_OCTETS
from shared.mailbox.writes import NewMessage
from shared.postgres.queries import load_queries
from shared.settings import Settings
from tests.bench.load import Figures, closed_calls
from tests.bench.paths import ROOT
from tests.bench.scenarios import CONVERSATIONS, GET_BY_CONVERSATION, GET_CONVERSATIONS, INSERT, MESSAGES, Scenario

GROUP = 64
# As many as one worker has.
CONNECTIONS = Settings().pool_size
Connections = Sequence[asyncpg.Connection]
Arguments = Callable[[Sequence[int], int], tuple[Any, ...]]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connections]:
    """Open the connections."""
    async with AsyncExitStack() as opened:
        connections = []
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(url, server_settings={"jit": "off"})
            opened.push_async_callback(connection.close)
            connections.append(connection)
        yield connections


def _new_message(account_id: int, nth: int) -> NewMessage:
    request = INSERT.request(nth)
    now = time.time_ns() // 1_000_000
    return NewMessage(account_id, request["address"], request["message"], now, False, False, 0, 0, True)


def _insert(accounts: Sequence[int], nth: int) -> tuple[Any, ...]:
    entries = [_new_message(account, nth) for account in accounts]
    keys = [None] * len(entries)
    return (*(list(column) for column in zip(*entries, strict=True)), "message.insert", keys, keys, True)


def _page(accounts: Sequence[int], nth: int) -> tuple[Any, ...]:
    address = GET_BY_CONVERSATION.request(nth)["address"]
    pages = [Page(account, address, 0, MESSAGES) for account in accounts]
    return (*(list(column) for column in zip(*pages, strict=True)), PAGE_OCTETS)


def _list(accounts: Sequence[int], _: int) -> tuple[Any, ...]:
    return (accounts[0],)


# The query, its arguments, and the rows that one command gives.
_STATEMENTS: Mapping[str, tuple[str, Arguments, int]] = {
    INSERT.name: ("insert", _insert, 1),
    GET_BY_CONVERSATION.name: ("messages_by_conversation", _page, MESSAGES),
    GET_CONVERSATIONS.name: ("conversations", _list, CONVERSATIONS),
}
# Those that take the commands of several accounts at once.
GROUPED = frozenset({INSERT.name, GET_BY_CONVERSATION.name})
KNOWN = frozenset(_STATEMENTS)


async def measure(
    connections: Connections, scenario: Scenario, accounts: Sequence[int], seconds: float, *, group: int = 1
) -> Figures:
    """Run the statement on every connection, one after the other, each for `group` commands."""
    name, arguments, rows = _STATEMENTS[scenario.name]
    query = load_queries(ROOT / "shared" / "mailbox" / "sql")[name]

    async def call(place: int, nth: int) -> int:
        # Accounts of its own: no connection meets another one's locks.
        own = accounts[place :: len(connections)]
        chosen = [own[(nth * group + each) % len(own)] for each in range(group)]
        found = await connections[place].fetch(query, *arguments(chosen, nth))
        return group if len(found) != rows * group or any(row[0] is None or row[1] is None for row in found) else 0

    return await closed_calls(call, len(connections), seconds, commands=group)
