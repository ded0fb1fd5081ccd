"""The backends of the index, by what the setting calls them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from services.search.index import Index
from services.search.opensearch.index import opensearch_index
from services.search.postgres.index import postgres_index, tidying
from shared.mailbox.upkeep import Upkeep
from shared.postgres.pool import Database
from shared.settings import Settings

BACKENDS: Mapping[str, Callable[[Settings, Database], AbstractAsyncContextManager[Index]]] = {
    "opensearch": opensearch_index,
    "postgres": postgres_index,
}
# What one process of the role at least does for its index beside the events.
UPKEEP: Mapping[str, Callable[[Database], Upkeep]] = {"postgres": tidying}
