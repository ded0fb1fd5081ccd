"""The export: what is in a mailbox, row after row, in the words of the API."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from shared.contract import dates
from shared.postgres.pool import Connection
from shared.postgres.queries import load_queries

# Types of rows in their order, with the query for each.
_ROWS = (("device", "export_devices"), ("conversation", "conversations"), ("message", "export_messages"))
_DATES = ("dateCreated", "dateSynced", "dateLastMessage", "dateSent", "dateStatus")


async def exported_mailbox(connection: Connection, account_id: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield devices, conversations and messages, each with its type, without what is deleted.

    The connection is in a transaction; dates are ISO texts. Devices are without what they push with.
    """
    queries = load_queries(Path(__file__).parent / "sql")
    for kind, query in _ROWS:
        async for row in connection.cursor(queries[query], account_id):
            yield kind, _readable(dict(row))


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    for name in _DATES:
        if row.get(name) is not None:
            row[name] = dates.to_xml(row[name])
    return row
