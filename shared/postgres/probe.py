"""The readiness probe of a database."""

from shared.health import Probe
from shared.postgres.errors import DatabaseError
from shared.postgres.pool import Database


def database_probe(database: Database) -> Probe:
    """Return a probe that writes something which leaves nothing."""

    async def look() -> str | None:
        try:
            await database.probe()
        except DatabaseError as error:
            return error.reason
        return None

    return Probe("database", look)
