"""The handlers of the accounts role on a real database, with one account."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from deploy.local.servers import Servers
from services.accounts.administration import Administration
from services.accounts.handlers import Accounts
from services.accounts.passwords import Passwords
from services.accounts.store import SQL, Store
from shared.bus.routes import Context
from shared.contract.accounts import AuthenticateRequest, AuthenticateResponse, UserLoginRequest
from shared.contract.faults import Fault, Refused
from shared.contract.operation import NOBODY, Identity
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from tests.integration.fresh_database import fresh_database

NUMBER = 436990000001


class CountedPasswords(Passwords):
    """Passwords that say how many were checked; while `free` is not set a check does not begin."""

    def __init__(self) -> None:
        super().__init__()
        self.checked = 0
        self.free = asyncio.Event()
        self.free.set()

    async def right(self, password: str, hashed: str) -> bool:
        self.checked += 1
        await self.free.wait()
        return await super().right(password, hashed)


@dataclass(frozen=True, slots=True)
class House:
    """An account that has the number and the password "right", and two applications."""

    accounts: Accounts
    administration: Administration
    database: Database
    passwords: CountedPasswords
    account_id: int
    applications: tuple[int, int]

    async def login(
        self,
        password: str,
        *,
        application: int = 0,
        number: int = NUMBER,
        key: str | None = None,
        check_key: bool = False,
    ) -> str:
        identity = Identity(0, self.applications[application], None)
        request = UserLoginRequest(msisdn=number, password=password, key=key, check_key=check_key)
        return (await self.accounts.login(request, context(identity))).auth_token

    async def fault(
        self, password: str, *, number: int = NUMBER, key: str | None = None, check_key: bool = False
    ) -> Fault:
        with pytest.raises(Refused) as refused:
            await self.login(password, number=number, key=key, check_key=check_key)
        return refused.value.fault

    async def named(self, *secrets: tuple[str, str]) -> list[AuthenticateResponse]:
        requests = [(AuthenticateRequest(*pair), context()) for pair in secrets]
        found = await self.accounts.authenticate(requests)
        return [each for each in found if isinstance(each, AuthenticateResponse)]

    def hiding(self, hidden_hash: str) -> Accounts:
        """Return handlers that treat unknown numbers like known ones."""
        return Accounts(Store(self.database, load_queries(SQL)), self.passwords, hidden_hash)


def context(identity: Identity = NOBODY, *, seconds: float = 60.0) -> Context:
    return Context(identity, "test", time.monotonic() + seconds, "trace")


@asynccontextmanager
async def accounts_database(servers: Servers) -> AsyncIterator[Database]:
    """Yield a migrated database of its own."""
    async with fresh_database(servers) as url:
        await migrate(url, after=False)
        async with Database(url, 4, name="test") as database:
            yield database


@asynccontextmanager
async def fresh_house(database: Database) -> AsyncIterator[House]:
    """Yield a house in an emptied database."""
    await database.fetch("truncate account, api_key, login_attempt cascade", timeout=5)
    queries = load_queries(SQL)
    administration = Administration(database, queries)
    with CountedPasswords() as passwords:
        people = [(str(NUMBER), await passwords.hashed("right"))]
        (account_id,) = await administration.create_accounts(people, [], 0)
        applications = (
            await administration.create_key("one", "key-one"),
            await administration.create_key("two", "key-two"),
        )
        accounts = Accounts(Store(database, queries), passwords)
        yield House(accounts, administration, database, passwords, account_id, applications)
