"""The conversations role: commands on whole conversations, and the upkeep of the mailboxes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.conversations.handlers import Conversations, routes
from shared.mailbox.departures import Departures
from shared.mailbox.purge import Purge
from shared.mailbox.retention import Retention
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
    """Serve the commands, and keep the mailboxes tidy on connections of their own."""
    async with (
        Database(settings.database_url, 1, name=f"{ROLE}-upkeep") as database,
        # What retention looks for may take seconds to find.
        Database(settings.database_url, 1, name=f"{ROLE}-retention") as retaining,
    ):
        purge = Upkeep("purge", Purge(database).round)
        upkeep = (
            purge,
            Upkeep("sweep", Sweep(database).round),
            Upkeep("silence", Silence(database).round),
            Upkeep("departures", Departures(database).round),
            Upkeep("tombstones", Tombstones(database).round),
            Upkeep("retention", Retention(retaining, settings.retention_days).round),
        )
        async with AsyncExitStack() as running:
            for each in upkeep:
                await running.enter_async_context(each.running())
            yield await running.enter_async_context(
                mailbox_role(ROLE, settings, lambda mailbox: Work(routes=routes(Conversations(mailbox, purge.wake))))
            )
