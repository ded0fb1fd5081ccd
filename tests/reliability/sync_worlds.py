"""Makes worlds, each of an account of its own."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any

import asyncpg

from tests.end_to_end.sync_client import Call, Server
from tests.reliability.sync_world import World
from tests.running import Account, Stack

_AT_ONCE = 50
# What is older than a day; the command line and the upkeep find and remove it so, in steps.
_EXPIRE = """
select mailbox_expire($1, array(
  select message_id from mailbox_expired($1, retention_before(1), 0, 0, 0, 1000)
), retention_before(1), 1)
"""


class SyncWorlds:
    """Of a running stack; coroutines run in `thread`, for the loop of the calling one belongs to others."""

    def __init__(self, stack: Stack, thread: Executor) -> None:
        self._stack = stack
        self._thread = thread
        self._accounts: Iterator[Account] = itertools.chain.from_iterable(
            iter(partial(self._run, stack.accounts, _AT_ONCE), [])
        )

    def fresh_account(self) -> Account:
        return next(self._accounts)

    @contextmanager
    def of(self, account: Account, **terms: Any) -> Iterator[World]:
        """Yield a world of an account that nobody has used."""
        with ExitStack() as connections:

            def connect() -> Call:
                server = Server(self._stack.base_url, self._stack.api_key, account.auth_token)
                return connections.enter_context(closing(server)).call

            yield World(connect, account.msisdn, partial(self._run, self._expire, account.account_id), **terms)

    async def _expire(self, account_id: int) -> None:
        connection = await asyncpg.connect(self._stack.servers.postgres.url)
        try:
            await connection.execute(_EXPIRE, account_id)
        finally:
            await connection.close()

    def _run(self, function: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        return self._thread.submit(lambda: asyncio.run(function(*arguments))).result()
