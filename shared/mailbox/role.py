"""A role over the mailbox: a worker with relays, and two pools: only one waits for locked mailboxes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from shared.bus.relay import Relay
from shared.bus.topology import EVENT_QUEUES
from shared.contract.events import Fact
from shared.mailbox.outbox import Outbox
from shared.mailbox.outbox_depth import OutboxDepth
from shared.mailbox.store import Mailbox
from shared.mailbox.upkeep import Upkeep
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work, worker

# Each relay holds one while its queue takes the events.
_RELAY_CONNECTIONS = len(EVENT_QUEUES) + 1


@asynccontextmanager
async def mailbox_role(name: str, settings: Settings, work: Callable[[Mailbox], Work]) -> AsyncIterator[Service]:
    """Do the work that `work` gives for the mailbox, and relay the events of what it writes."""
    async with (
        Database(settings.database_url, settings.pool_size, name=name) as database,
        Database(settings.database_url, settings.patient_pool_size, name=f"{name}-patient") as patient,
        Database(settings.database_url, _RELAY_CONNECTIONS, name=f"{name}-relay") as relaying,
        AsyncExitStack() as running,
    ):
        relays = tuple(Relay(Outbox(relaying, queue.facts), queue) for queue in EVENT_QUEUES)
        rounds = [Upkeep(f"relay {relay.queue.name}", relay.round, retry_seconds=1.0) for relay in relays]

        def written(facts: frozenset[Fact]) -> None:
            for relay, upkeep in zip(relays, rounds, strict=True):
                if relay.queue.facts & facts:
                    relay.tell()
                    upkeep.wake()

        found = replace(work(Mailbox(database, patient, written)), relays=relays)
        service = await running.enter_async_context(worker(name, settings, found, [database_probe(database)]))
        for upkeep in (*rounds, Upkeep("outbox", OutboxDepth(relaying).measure)):
            await running.enter_async_context(upkeep.running())
        yield service
