"""The accounts role's part of the `usermessage` command line."""

import typer

from services.accounts.account_commands import accounts
from services.accounts.administering import administering
from services.accounts.contact_commands import contacts
from services.accounts.erase import close_account, erase_account
from services.accounts.export import exported_account
from services.accounts.key_commands import keys
from services.accounts.known_numbers import known_numbers
from services.accounts.token_commands import tokens
from shared.settings import Settings

__all__ = ["account_id", "add_commands", "close_account", "erase_account", "exported_account", "known_numbers"]


def add_commands(command_line: typer.Typer) -> typer.Typer:
    """Add what this role has to offer; return its commands for accounts, to which others may add theirs."""
    command_line.add_typer(keys(), name="keys")
    commands = accounts()
    command_line.add_typer(commands, name="accounts")
    command_line.add_typer(tokens(), name="tokens")
    command_line.add_typer(contacts(), name="contacts")
    return commands


async def account_id(settings: Settings, account: str) -> int:
    """Return the account that is meant, for commands of other roles: `+number`, `id:ID` or digits."""
    async with administering(settings) as administration:
        return await administration.account_id(account)
