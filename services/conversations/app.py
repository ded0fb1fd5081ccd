"""The conversations role: commands on whole conversations, and the upkeep of the mailboxes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.conversations.handlers import Conversations, routes
from shared.mailbox.departures import Departures
from shared.mailbox.purge import Purge
from shared.mailbox.role import mailbox_role
from shared.mailbox.silence import Silence
from shared.mailbox.sweep import Sweep
from shared.mailbox.tombstones import Tombstones
from shared.mailbox.upkeep import Upkeep
from shared.postgres.pool import Database
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work

ROLE = "conversations"


@asynccontextmanager
async def conversations(settings: Settings) -> AsyncIterator[Service]:
    """Serve the commands, and keep the mailboxes tidy on a connection of its own."""
    async with Database(settings.database_url, 1, name=f"{ROLE}-upkeep") as database:
        purge = Upkeep("purge", Purge(database).round)
        sweep = Upkeep("sweep", Sweep(database).round)
        silence = Upkeep("silence", Silence(database).round)
        departures = Upkeep("departures", Departures(database).round)
        tombstones = Upkeep("tombstones", Tombstones(database).round)
        async with (
            purge.running(),
            sweep.running(),
            silence.running(),
            departures.running(),
            tombstones.running(),
            mailbox_role(
                ROLE, settings, lambda mailbox: Work(routes=routes(Conversations(mailbox, purge.wake)))
            ) as service,
        ):
            yield service
