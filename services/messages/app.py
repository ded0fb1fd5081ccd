"""The messages role: storing, reading, changing and deleting single messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.messages.handlers import Messages, routes
from shared.mailbox.store import Mailbox
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.process import Service
from shared.settings import Settings
from shared.worker import worker

ROLE = "messages"


@asynccontextmanager
async def messages(settings: Settings) -> AsyncIterator[Service]:
    """Serve the commands, over two pools: one never waits for a locked mailbox, the other may."""
    async with (
        Database(settings.database_url, settings.pool_size, name=ROLE) as database,
        Database(settings.database_url, settings.patient_pool_size, name=f"{ROLE}-patient") as patient,
    ):
        handlers = Messages(Mailbox(database, patient))
        async with worker(ROLE, settings, routes(handlers), [database_probe(database)]) as service:
            yield service
