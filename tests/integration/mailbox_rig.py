"""A mailbox on a real Postgres, and the truth about its tables to hold it against."""

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from deploy.local.servers import Servers
from shared.bus.routes import Context, Key
from shared.contract.faults import Fault
from shared.contract.operation import Identity
from shared.mailbox.pages import Page
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.mailbox.writes import NewMessage, Written
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database
from tests.integration.fresh_database import on_server

TIMEOUT = 10.0
_SHARED = "mailbox_rigs"
FRIEND, SHOP = "+436990000001", "Fake Shop"
# Tests share one database; each takes accounts that no other test uses.
accounts = itertools.count(990_000)

# What the counters must be, straight from the messages of what is not deleted.
COUNTED = """
select account_id, conversation_id, count(*)::int as messages,
  (count(*) filter (where incoming and not read))::int as messages_unread,
  (count(*) filter (where not incoming and status = 5))::int as messages_unsent,
  max(message_id) as max_message_id,
  (array_agg(message_id order by date_sent desc, message_id desc))[1] as newest_message_id,
  (array_agg(date_sent order by date_sent desc, message_id desc))[1] as newest_date_sent,
  (array_agg(left(body, 100) order by date_sent desc, message_id desc))[1] as snippet
from message left join conversation as kept using (account_id, conversation_id)
where account_id = any ($1) and not deleted and kept.closed is not true
group by account_id, conversation_id order by account_id, conversation_id
"""
KEPT = """
select account_id, conversation_id, messages, messages_unread, messages_unsent, max_message_id,
  newest_message_id, newest_date_sent, snippet
from conversation where account_id = any ($1) and not closed order by account_id, conversation_id
"""


class Rig:
    """The store, its tables, and short forms of its commands."""

    def __init__(self, mailbox: Mailbox, database: Database, url: str) -> None:
        self.mailbox = mailbox
        self.database = database
        self.url = url

    async def insert(self, *messages: NewMessage) -> list[int]:
        """Store messages that nobody is in the way of."""
        return taken(await self.mailbox.insert(messages, within(messages)))

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.fetch(query, *arguments, timeout=TIMEOUT)]

    async def page(self, account_id: int, address: str, offset: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        pages = [Page(account_id, address, offset, limit)]
        (page,) = await self.mailbox.messages_by_conversation(pages, timeout=TIMEOUT)
        assert not isawaitable(page)
        return [dict(entry) for entry in page]

    async def assert_counted(self, *account_ids: int) -> None:
        """Hold every conversation's row against a count over its messages."""
        assert await self.rows(KEPT, account_ids) == await self.rows(COUNTED, account_ids)

    @asynccontextmanager
    async def locked(self, account_id: int) -> AsyncIterator[None]:
        """Hold a mailbox's lock by hand, as somebody else."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.fetch("select from mailbox where account_id = $1 for update", account_id)
                yield
        finally:
            await connection.close()


@asynccontextmanager
async def mailbox_rig(url: str) -> AsyncIterator[Rig]:
    """Give a mailbox on a migrated database."""
    await migrate(url, after=True)
    async with (
        Database(url, 8, name="mailbox-test") as database,
        Database(url, 2, name="mailbox-test-patient") as patient,
    ):
        yield Rig(Mailbox(database, patient), database, url)


@asynccontextmanager
async def shared_rig(servers: Servers) -> AsyncIterator[Rig]:
    """Give a mailbox on a database that many tests share, but no role of the service: nothing is purged or relayed."""
    found = await on_server(servers, f"select from pg_database where datname = '{_SHARED}'")
    if not found:
        await on_server(servers, f"create database {_SHARED}")
    async with mailbox_rig(urlsplit(servers.postgres.url)._replace(path=f"/{_SHARED}").geturl()) as rig:
        yield rig


def message(account_id: int, address: str = FRIEND, body: str = "hello", date_sent: int = 1_000) -> NewMessage:
    """Return an unread incoming message."""
    return NewMessage(account_id, address, body, date_sent, read=False, locked=False, origin=0, status=0, incoming=True)


def context(account_id: int, operation: str = "test", *, msisdn: int | None = None, key: Key | None = None) -> Context:
    """Return what a handler knows of a command with the usual time."""
    return Context(Identity(account_id, 1, msisdn), operation, time.monotonic() + TIMEOUT, "trace", key)


def within(commands: Sequence[object], seconds: float = TIMEOUT) -> list[Terms]:
    """Return a deadline for each command."""
    return [Terms(time.monotonic() + seconds)] * len(commands)


def taken(outcomes: Sequence[Written[Any]]) -> list[Any]:
    """Return outcomes of which none may wait."""
    assert not any(isawaitable(outcome) for outcome in outcomes)
    return list(outcomes)


async def settled(outcome: Written[Any]) -> Any:
    """Wait for an outcome that must be one to wait for."""
    assert isinstance(outcome, Awaitable)
    result: Any | Fault = await outcome
    return result
