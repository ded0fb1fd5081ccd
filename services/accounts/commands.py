"""The accounts role's part of the `usermessage` command line."""

import typer

from services.accounts.account_commands import accounts
from services.accounts.contact_commands import contacts
from services.accounts.key_commands import keys
from services.accounts.token_commands import tokens


def add_commands(command_line: typer.Typer) -> None:
    """Add what this role has to offer."""
    command_line.add_typer(keys(), name="keys")
    command_line.add_typer(accounts(), name="accounts")
    command_line.add_typer(tokens(), name="tokens")
    command_line.add_typer(contacts(), name="contacts")
