"""Makes worlds, each with an account of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from tests.end_to_end.sync_client import Call, Server
from tests.reliability.sync_world import World
from tests.running import Account, Stack


class SyncWorlds:
    """Of a running stack; `accounts` are fresh ones without end. Usable from one thread at a time."""

    def __init__(self, stack: Stack, accounts: Iterator[Account]) -> None:
        self._stack = stack
        self._accounts = accounts

    def fresh_account(self) -> Account:
        return next(self._accounts)

    @contextmanager
    def of(self, account: Account, **terms: Any) -> Iterator[World]:
        """Yield a world of an account that nobody has used."""
        with ExitStack() as connections:

            def connect() -> Call:
                server = Server(self._stack.base_url, self._stack.api_key, account.auth_token)
                return connections.enter_context(closing(server)).call

            yield World(connect, account.msisdn, **terms)
