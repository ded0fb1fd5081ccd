"""A role over the mailbox: a worker with two pools, one never waits for a locked mailbox, the other may."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from shared.bus.routes import Route
from shared.mailbox.store import Mailbox
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.process import Service
from shared.settings import Settings
from shared.worker import worker


@asynccontextmanager
async def mailbox_role(
    name: str, settings: Settings, routes: Callable[[Mailbox], Sequence[Route]]
) -> AsyncIterator[Service]:
    """Serve the routes that `routes` gives for the mailbox."""
    async with (
        Database(settings.database_url, settings.pool_size, name=name) as database,
        Database(settings.database_url, settings.patient_pool_size, name=f"{name}-patient") as patient,
    ):
        found = routes(Mailbox(database, patient))
        async with worker(name, settings, found, [database_probe(database)]) as service:
            yield service
