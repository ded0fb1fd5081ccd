"""The search role: finds messages, and keeps the index up with the mailboxes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.search.backends import BACKENDS
from services.search.handlers import Search, routes
from services.search.index import Index
from services.search.indexer import Indexer
from shared.bus.subscriber import Subscriber
from shared.bus.topology import SEARCH_EVENTS
from shared.contract.faults import Away
from shared.health import Probe
from shared.mailbox.indexing import Indexing
from shared.postgres.pool import Database
from shared.postgres.probe import database_probe
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work, worker

ROLE = "search"


@asynccontextmanager
async def search(settings: Settings) -> AsyncIterator[Service]:
    """Serve the command, and index what events point at."""
    async with (
        Database(settings.database_url, settings.pool_size, name=ROLE) as database,
        BACKENDS[settings.search_backend.lower()](settings, database) as index,
    ):

        async def ready() -> None:
            await database.probe()
            await index.probe()

        mailboxes = Indexing(database)
        subscriber = Subscriber(
            SEARCH_EVENTS,
            Indexer(mailboxes, index).take,
            ready,
            slots=settings.slots,
            retry_seconds=settings.event_retry_seconds,
        )
        work = Work(routes=routes(Search(mailboxes, index)), subscribers=[subscriber])
        async with worker(ROLE, settings, work, [database_probe(database), _index_probe(index)]) as service:
            yield service


def _index_probe(index: Index) -> Probe:
    async def look() -> str | None:
        try:
            await index.probe()
        except Away as away:
            return away.reason
        return None

    return Probe("index", look)
