"""Erasing: an account's rows go table by table, in transactions that stay short."""

import time
from collections.abc import Sequence

from shared.postgres.pool import Database

_DELETE_ROWS = "select account_rows_delete($1, $2, $3)"
_STEP_SECONDS = 30.0
# A step of so many short messages takes about 50 ms.
_STEP_ROWS = 5000
_FIRST_ROWS = 500
_LONG_SECONDS = 0.5


async def erase_rows(database: Database, tables: Sequence[str], account_id: int) -> dict[str, int]:
    """Delete the account's rows in these tables, in their order, and return how many there were in each.

    Raises `DatabaseError`; what was deleted stays so.
    """
    return {table: await _erase_table(database, table, account_id) for table in tables}


async def _erase_table(database: Database, table: str, account_id: int) -> int:
    removed, rows = 0, _FIRST_ROWS
    while True:
        began = time.monotonic()
        step = await database.fetchval(_DELETE_ROWS, table, account_id, rows, timeout=_STEP_SECONDS)
        if not step:
            return removed
        removed += step
        # Long texts take longer to throw away.
        rows = rows // 2 + 1 if time.monotonic() - began > _LONG_SECONDS else min(2 * rows, _STEP_ROWS)
