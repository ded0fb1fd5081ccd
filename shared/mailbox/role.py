"""A role over the mailbox: a worker with a relay, and two pools: only one waits for locked mailboxes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from shared.bus.relay import Relay
from shared.mailbox.outbox import Outbox
from shared.mailbox.store import Mailbox
from shared.mailbox.upkeep import Upkeep
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work, worker


@asynccontextmanager
async def mailbox_role(name: str, settings: Settings, work: Callable[[Mailbox], Work]) -> AsyncIterator[Service]:
    """Do the work that `work` gives for the mailbox, and relay the events of what it writes."""
    async with (
        Database(settings.database_url, settings.pool_size, name=name) as database,
        Database(settings.database_url, settings.patient_pool_size, name=f"{name}-patient") as patient,
        Database(settings.database_url, 2, name=f"{name}-relay") as relaying,
    ):
        outbox = Outbox(relaying)
        relay = Relay(outbox)
        measuring = Upkeep("outbox", outbox.measure)
        rounds = Upkeep("relay", relay.round, retry_seconds=1.0)
        found = replace(work(Mailbox(database, patient, rounds.wake)), relay=relay)
        async with (
            worker(name, settings, found, [database_probe(database)]) as service,
            rounds.running(),
            measuring.running(),
        ):
            yield service
