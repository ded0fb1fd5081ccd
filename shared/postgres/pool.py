"""Connections to Postgres: every use has a time limit; a database that is away is an error, never a hang."""

# ruff: noqa: ASYNC109 - every use must name its time limit, and one call is one use

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.metrics.pools import PoolUse
from shared.postgres.errors import DatabaseAway, translated

# A statement that outlives its caller, because the cancel request was lost, ends after this on the server.
BACKSTOP_MILLISECONDS = 30_000
CONNECT_SECONDS = 5.0
# How long a connection may take to confirm that its statement was canceled before it is dropped.
RELEASE_SECONDS = 2.0
CLOSE_SECONDS = 5.0
_NEVER = 2**62
_PROBE = """
select case when current_setting('transaction_read_only') = 'on' then false
            else pg_logical_emit_message(true, 'usermessage', 'probe') is not null end
"""

Connection = PoolConnectionProxy
_log = logging.getLogger(__name__)


class _StatelessConnection(asyncpg.Connection):
    """A connection that leaves no session state, so that giving it back costs no round trip.

    A transaction that is still open is rolled back all the same.
    """

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of at most `size` connections that are opened on use, so that it starts without Postgres too.

    Timeouts are in seconds and cover the wait for a connection. Everything raises `DatabaseAway`,
    `DatabaseTimeout` or `LockTimeout` where Postgres, not the code, is the reason.
    """

    def __init__(self, url: str, size: int, *, name: str) -> None:
        self._url = url
        self._size = size
        self._name = name
        self._pool: asyncpg.Pool | None = None
        self._in_use = 0
        self._measures = PoolUse(name, size, lambda: self._in_use)

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._size,
            max_queries=_NEVER,
            max_cached_statement_lifetime=0,
            connection_class=_StatelessConnection,
            timeout=CONNECT_SECONDS,
            command_timeout=BACKSTOP_MILLISECONDS / 1000,
            server_settings=_server_settings(self._name),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()
        except TimeoutError:
            _log.warning("database connections did not close in time; they are dropped")
            pool.terminate()

    async def fetch(self, query: str, *args: object, timeout: float) -> list[asyncpg.Record]:
        """Run one statement in a transaction of its own and return its rows."""
        async with self._connection(timeout) as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object, timeout: float) -> asyncpg.Record | None:
        """Run one statement in a transaction of its own and return its first row."""
        async with self._connection(timeout) as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object, timeout: float) -> Any:
        """Run one statement in a transaction of its own and return the first value of its first row."""
        async with self._connection(timeout) as connection:
            return await connection.fetchval(query, *args)

    @asynccontextmanager
    async def transaction(self, *, timeout: float) -> AsyncIterator[Connection]:
        """Give a connection inside a transaction, committed at the end and rolled back on any error.

        The timeout covers the whole block with its commit. When the block ends in `DatabaseTimeout` or
        `DatabaseAway`, the commit may or may not have happened.
        """
        async with self._connection(timeout) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except asyncio.CancelledError:
                # Out of time: a rollback would wait for a server that has not answered. Without us it rolls back.
                connection.terminate()
                raise
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()

    async def probe(self, *, timeout: float = 2.0) -> None:
        """Write something that leaves nothing; raise `DatabaseAway` or `DatabaseTimeout` when that fails."""
        if not await self.fetchval(_PROBE, timeout=timeout):
            await self._expire()
            raise DatabaseAway("Postgres takes no writes")

    def _connection(self, seconds: float) -> AbstractAsyncContextManager[Connection]:
        if self._pool is None:
            raise RuntimeError("the database is not open")
        return self._borrowed(self._pool, seconds)

    @asynccontextmanager
    async def _borrowed(self, pool: asyncpg.Pool, seconds: float) -> AsyncIterator[Connection]:
        began = asyncio.get_running_loop().time()
        end = began + seconds
        try:
            connection = await self._acquired(pool, began, end)
            self._in_use += 1
            try:
                async with asyncio.timeout_at(end):
                    yield connection
            finally:
                self._in_use -= 1
                await _give_back(pool, connection)
        except Exception as error:
            ours = translated(error)
            if ours is None:
                raise
            self._measures.failed(type(ours).__name__)
            if isinstance(ours, DatabaseAway):
                await self._expire()
            raise ours from error

    async def _acquired(self, pool: asyncpg.Pool, began: float, end: float) -> Connection:
        try:
            async with asyncio.timeout_at(end):
                return await pool.acquire()
        finally:
            self._measures.waited(asyncio.get_running_loop().time() - began)

    async def _expire(self) -> None:
        if self._pool is not None:
            await self._pool.expire_connections()


async def _give_back(pool: asyncpg.Pool, connection: Connection) -> None:
    """Return a connection; the pool drops a broken one, and what its user met stays the outcome."""
    try:
        await pool.release(connection, timeout=RELEASE_SECONDS)
    except Exception as error:
        if translated(error) is None:
            raise
        _log.warning("a database connection was dropped: %s", type(error).__name__)


def _server_settings(name: str) -> dict[str, str]:
    return {
        "application_name": name,
        "jit": "off",
        "statement_timeout": str(BACKSTOP_MILLISECONDS),
        "idle_in_transaction_session_timeout": str(BACKSTOP_MILLISECONDS),
    }
