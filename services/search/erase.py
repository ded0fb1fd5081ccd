"""What an erase does to the index: nothing of the account's messages can be found any more, nor read in it."""

from services.search.backends import BACKENDS
from services.search.postgres.index import TABLES
from shared.command_line import CommandFailed
from shared.contract.faults import Away
from shared.postgres.erasing import erase_rows
from shared.postgres.errors import DatabaseError
from shared.postgres.pool import Database
from shared.settings import Settings

_SECONDS = 60.0


async def erase_index(settings: Settings, database: Database, account_id: int) -> dict[str, int]:
    """Erase an account in the index and return how many documents it had of it.

    The table of the Postgres backend is erased too where another one searches now. The mailbox is erased before: then
    nothing of it can come into the index again. Raises `CommandFailed` while the index is away, for it holds texts.
    """
    try:
        async with BACKENDS[settings.search_backend.lower()](settings, database) as index:
            documents = await index.forget(account_id, timeout=_SECONDS)
    except DatabaseError:
        raise
    except Away as away:
        raise CommandFailed(
            f"the index did not do it: {away.reason}; the account is closed, ask for the erase again"
        ) from None
    rows = await erase_rows(database, TABLES, account_id)
    return {"search_document": documents + rows["search_document"]}
