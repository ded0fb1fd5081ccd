"""Heard: which messages came before, of carriers that give them no ids; all workers share it."""

from services.delivery.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_SECONDS = 5.0


class KeptHeard:
    """Keeps digests of what was said, for as long as carriers bring the same again; raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(SQL)

    async def id_of(self, carrier: str, said: str, link: str) -> str:
        """Return what a message is called that comes over a link now: as before, where it is the same again."""
        return str(await self._database.fetchval(self._queries["hear"], carrier, said, link, timeout=_SECONDS))

    async def answered(self, carrier: str, said: str, inbound_id: str, ago_ms: int, *, kept: bool) -> None:
        """Note that the carrier was told, so long ago, that it is kept, or is not and may be brought again."""
        query = self._queries["heard_answered"]
        await self._database.fetch(query, carrier, said, inbound_id, ago_ms, not kept, timeout=_SECONDS)

    async def ended(self, link: str) -> None:
        """Note that a link ended now."""
        await self._database.fetch(self._queries["heard_ended"], link, timeout=_SECONDS)
