"""Departures: what was kept of devices that are gone is forgotten, in steps that leave room for others."""

import time
from pathlib import Path

from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

_PAUSE_SECONDS = 0.1
_SECONDS = 10.0
_IDLE_SECONDS = 30.0
_ROUND_DEVICES = 100
# A step holds its mailbox's lock for about 10 ms.
_STEP_MESSAGES = 1000


class Departures:
    """Forgets what devices that are gone knew; several processes may do so side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")

    async def round(self) -> float:
        """Take a step for each of some devices and return the seconds until the next; raise `DatabaseError`."""
        rows = await self._database.fetch(self._queries["departed"], _ROUND_DEVICES, timeout=_SECONDS)
        began, more = time.monotonic(), len(rows) == _ROUND_DEVICES
        for row in rows:
            query = self._queries["forget"]
            step = (row["account_id"], row["device_id"], _STEP_MESSAGES)
            more |= await self._database.fetchval(query, *step, timeout=_SECONDS) is not False
        return max(time.monotonic() - began, _PAUSE_SECONDS) if more else _IDLE_SECONDS
