"""The search role: finds messages, and keeps the index up with the mailboxes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.search.backends import BACKENDS, UPKEEP
from services.search.handlers import Search, routes
from services.search.index import Index
from services.search.indexer import Indexer
from shared.bus.subscriber import Subscriber
from shared.bus.topology import SEARCH_DELETIONS, SEARCH_EVENTS
from shared.contract.faults import Away
from shared.health import Probe
from shared.mailbox.indexing import Indexing
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work, worker

ROLE = "search"
# What is deleted is in no answer anyhow.
_DELETIONS_SLOTS = 1


@asynccontextmanager
async def search(settings: Settings) -> AsyncIterator[Service]:
    """Serve the command, and index what events point at; neither waits for a connection of the other."""
    name = settings.search_backend.lower()
    backend = BACKENDS[name]
    async with (
        Database(settings.database_url, settings.pool_size, name=ROLE) as database,
        Database(settings.database_url, _indexing_connections(settings), name=f"{ROLE}-index") as indexing,
        backend(settings, database) as asked,
        backend(settings, indexing) as written,
        AsyncExitStack() as running,
    ):
        if name in UPKEEP:
            await running.enter_async_context(UPKEEP[name](indexing).running())
        work = Work(
            routes=routes(Search(Indexing(database), asked)),
            subscribers=_subscribers(settings, indexing, written),
        )
        async with worker(ROLE, settings, work, [database_probe(database), _index_probe(asked)]) as service:
            yield service


def _indexing_connections(settings: Settings) -> int:
    """Return one for each batch of events that is handled at a time, one to tidy, and one to look who is back."""
    return settings.slots + _DELETIONS_SLOTS + 2


def _subscribers(settings: Settings, database: Database, index: Index) -> list[Subscriber]:
    """Return what takes events; an earlier version has its deletions in the queue of all others."""
    take = Indexer(Indexing(database), index).take

    async def ready() -> None:
        await database.probe()
        await index.probe()

    slots = {SEARCH_EVENTS: settings.slots, SEARCH_DELETIONS: _DELETIONS_SLOTS}
    return [
        Subscriber(queue, take, ready, slots=each, retry_seconds=settings.event_retry_seconds)
        for queue, each in slots.items()
    ]


def _index_probe(index: Index) -> Probe:
    async def look() -> str | None:
        try:
            await index.probe()
        except Away as away:
            return away.reason
        return None

    return Probe("index", look)
