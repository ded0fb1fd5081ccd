"""The delivery role's part of the `usermessage` command line."""

import typer

from services.delivery.sending_commands import add_sending_commands
from shared.postgres.erasing import erase_rows
from shared.postgres.pool import Database

# What delivery keeps of accounts.
TABLES = ("delivery_part", "delivery_timeline", "delivery_job", "delivery_counted")


def add_commands(command_line: typer.Typer) -> None:
    """Add what this role has to offer."""
    add_sending_commands(command_line)


async def erase_deliveries(database: Database, account_id: int) -> dict[str, int]:
    """Erase an account in the tables of this role and return how many rows each had of it."""
    return await erase_rows(database, TABLES, account_id)
