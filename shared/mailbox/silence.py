"""Silence: devices that have not synced for 90 days are dropped."""

from pathlib import Path

from shared.contract import dates
from shared.metrics import mailbox as metrics
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

SILENT_MILLISECONDS = 90 * 86_400_000
_DAY_SECONDS = 86_400.0
_SLICE_DEVICES = 1000
_PAUSE_SECONDS = 0.1
_SECONDS = 10.0


class Silence:
    """Goes once a day through all devices; several processes may do so side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(Path(__file__).parent / "sql")
        self._behind = (0, 0)

    async def round(self) -> float:
        """Look at some devices and return the seconds until the next ones; raise `DatabaseError`."""
        cutoff = dates.now() - SILENT_MILLISECONDS
        query = self._queries["devices_behind"]
        rows = await self._database.fetch(query, *self._behind, _SLICE_DEVICES, cutoff, timeout=_SECONDS)
        last = len(rows) < _SLICE_DEVICES
        self._behind = (0, 0) if last else (rows[-1]["account_id"], rows[-1]["device_id"])
        silent = [(row["account_id"], row["device_id"]) for row in rows if row["silent"]]
        if silent:
            account_ids, device_ids = zip(*silent, strict=True)
            query = self._queries["drop_silent"]
            metrics.dropped_devices(
                await self._database.fetchval(query, account_ids, device_ids, cutoff, timeout=_SECONDS)
            )
        return _DAY_SECONDS if last else _PAUSE_SECONDS
