"""The delivery role's part of the `usermessage` command line."""

from typing import Annotated, Any

import typer

from services.delivery.restored import restored_deliveries
from services.delivery.sending_commands import add_sending_commands
from services.delivery.store import Store
from shared.command_line import Account, AsJson, CommandFailed, FindAccount, group, opened_database, run, show_all
from shared.contract import dates
from shared.postgres.erasing import erase_rows
from shared.postgres.pool import Database
from shared.settings import Settings

__all__ = ["add_commands", "erase_deliveries", "restored_deliveries"]

# What delivery keeps of accounts. Jobs go first: nobody adds to what happened to one that is gone.
TABLES = ("delivery_job", "delivery_part", "delivery_timeline", "delivery_counted")


def add_commands(command_line: typer.Typer, find_account: FindAccount) -> None:
    """Add what this role has to offer."""
    messages = _Messages(find_account)
    commands = group("Messages of an account.")
    # A group, though it has one command only.
    commands.callback()(_nothing)
    commands.command("timeline")(messages.timeline)
    command_line.add_typer(commands, name="messages")
    add_sending_commands(command_line)


class _Messages:
    def __init__(self, find_account: FindAccount) -> None:
        self._find_account = find_account

    def timeline(
        self,
        account: Account,
        message_id: Annotated[int, typer.Argument(metavar="ID")],
        *,
        as_json: AsJson = False,
    ) -> None:
        """Show what happened to a message that was sent, and why; also to one that its sender did not keep."""

        async def work(settings: Settings) -> list[dict[str, Any]]:
            account_id = await self._find_account(settings, account)
            async with opened_database(settings) as database:
                return await Store(database).timeline(account_id, message_id)

        rows = run(work)
        if not rows:
            raise CommandFailed(f"the account has sent no message {message_id}, or long ago")
        show_all([row | {"at": dates.to_xml(row["at"])} for row in rows], as_json=as_json)


async def erase_deliveries(database: Database, account_id: int) -> dict[str, int]:
    """Erase an account in the tables of this role and return how many rows each had of it."""
    return await erase_rows(database, TABLES, account_id)


def _nothing() -> None:
    """Messages of an account."""
