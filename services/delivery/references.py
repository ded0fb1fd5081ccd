"""References: what jobs are called to carriers, other than those of another installation or of a lost database."""

from services.delivery.store import SQL
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_SECONDS = 5.0


class KeptReferences:
    """A number of a job behind the name of the installation, which is read once; raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = load_queries(SQL)["installation"]
        self._name = ""

    async def of(self, job_id: int) -> str:
        """Return what a job is called to carriers."""
        if not self._name:
            self._name = str(await self._database.fetchval(self._query, timeout=_SECONDS))
        return f"{self._name}-{job_id}"
