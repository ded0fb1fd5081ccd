"""The accounts role: API keys, accounts, passwords, tokens and contacts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.accounts.handlers import Accounts, routes
from services.accounts.passwords import Passwords
from services.accounts.store import SQL, Store
from services.accounts.tokens import new_secret
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.postgres.queries import load_queries
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work, worker

ROLE = "accounts"


@asynccontextmanager
async def accounts(settings: Settings) -> AsyncIterator[Service]:
    """Serve logins and the gateways' look-ups."""
    async with Database(settings.database_url, settings.pool_size, name=ROLE) as database:
        with Passwords() as passwords:
            hidden_hash = await passwords.hashed(new_secret()) if settings.hide_unknown_numbers else None
            handlers = Accounts(Store(database, load_queries(SQL)), passwords, hidden_hash)
            async with worker(ROLE, settings, Work(routes=routes(handlers)), [database_probe(database)]) as service:
                yield service
