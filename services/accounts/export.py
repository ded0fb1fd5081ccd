"""What an export holds of the tables of accounts: everything but secrets."""

from collections.abc import AsyncIterator
from typing import Any

from services.accounts.store import SQL
from shared.postgres.pool import Connection
from shared.postgres.queries import load_queries

# Types of rows in their order, with the query for each.
_ROWS = (("account", "export_account"), ("login", "export_logins"), ("contact", "contacts_of"))


async def exported_account(connection: Connection, account_id: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield an account, the logins behind its tokens and its contacts, each with its type.

    The connection is in a transaction; dates are ISO texts.
    """
    queries = load_queries(SQL)
    for kind, query in _ROWS:
        async for row in connection.cursor(queries[query], account_id):
            yield kind, dict(row)
