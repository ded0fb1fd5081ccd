"""What an erase does to the tables of accounts: first nobody comes in any more, at the end nothing is left."""

from services.accounts.administering import administering, revoke
from services.accounts.store import SQL
from shared.postgres.erasing import erase_rows
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.settings import Settings

# What an account has besides its own row and the wrong passwords of its number.
TABLES = ("token", "contact")

_SECONDS = 30.0


async def close_account(settings: Settings, account_id: int) -> None:
    """Disable an account, revoke its tokens and tell the gateways."""
    async with administering(settings) as administration:
        await administration.set_account_disabled(account_id, disabled=True)
        await administration.revoke_tokens(account_id, None)
    await revoke(settings, account_id=account_id)


async def erase_account(database: Database, account_id: int) -> dict[str, int]:
    """Erase an account in the tables of this role and return how many rows each had of it.

    The account's own row goes last, so that an erase that broke off can be asked for again.
    """
    removed = await erase_rows(database, TABLES, account_id)
    queries = load_queries(SQL)
    # In one transaction and in this order, as everywhere: a login that is under way waits for one of both.
    async with database.transaction(timeout=_SECONDS) as connection:
        attempts = await connection.fetchval(queries["erase_attempts"], account_id)
        account = await connection.fetchval(queries["erase_account"], account_id)
    return removed | {"login_attempt": attempts, "account": account}
