"""Makes worlds, each of an account of its own."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from tests.end_to_end.sync_client import Call, Server
from tests.reliability.aside import Aside
from tests.reliability.sync_mailbox import Mailbox
from tests.reliability.sync_world import World
from tests.running import Account, Stack

_AT_ONCE = 50


class SyncWorlds:
    """Of a running stack; what is no call to it runs `aside`."""

    def __init__(self, stack: Stack, aside: Aside) -> None:
        self._stack = stack
        self._aside = aside
        self._accounts: Iterator[Account] = itertools.chain.from_iterable(
            iter(lambda: aside.run(stack.accounts(_AT_ONCE)), [])
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

            mailbox = connections.enter_context(self.mailbox(account))
            yield World(connect, account.msisdn, mailbox, **terms)

    @contextmanager
    def mailbox(self, account: Account) -> Iterator[Mailbox]:
        with closing(Mailbox(self._stack.servers.postgres.url, account.account_id, self._aside)) as mailbox:
            yield mailbox
