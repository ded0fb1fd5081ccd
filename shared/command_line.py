"""What all parts of the `usermessage` command line do the same way: settings, output, secrets, failures."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from shared.postgres.pool import Database
from shared.settings import Settings

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: an object, or one a line for a list.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="+number, id:ID, or digits that are only one of both.")]
# Accounts are a role's: whoever puts the command line together knows how to find them.
FindAccount: TypeAlias = Callable[[Settings, str], Awaitable[int]]

# What Postgres and RabbitMQ know us by.
CONNECTION = "usermessage command line"


class CommandFailed(Exception):  # noqa: N818 - it is what happened
    """The command could not do what it was asked; its text is for the person at the terminal."""


def group(meaning: str) -> typer.Typer:
    """Return an empty group of commands; its tracebacks never show values, which may be secrets."""
    return typer.Typer(help=meaning, no_args_is_help=True, pretty_exceptions_enable=False)


def settings() -> Settings:
    """Read the settings of this process."""
    return Settings.from_environment(os.environ)


def run(work: Callable[[Settings], Coroutine[Any, Any, T]]) -> T:
    """Run a command's work to its end."""
    return asyncio.run(work(settings()))


def opened_database(settings: Settings, connections: int = 1) -> Database:
    """Return the database, for an `async with`."""
    return Database(settings.database_url, connections, name=CONNECTION)


def show(row: Mapping[str, object], *, as_json: bool) -> None:
    """Print one result: as a JSON object, or as lines of name and value."""
    if as_json:
        typer.echo(json.dumps(row))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        typer.echo(f"{name.ljust(width)}  {_text(value)}")


def show_all(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print a list: one JSON object a line, or a table."""
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
    elif rows:
        table = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def read_secret(prompt: str) -> str:
    """Read a secret from standard input: asked twice and without echo at a terminal, else its first line."""
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))
    secret = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not secret:
        raise CommandFailed("standard input has no line to read")
    if "\0" in secret:
        raise CommandFailed("a secret with a null character can never be sent")
    return secret


def warn(text: str) -> None:
    """Say something that does not keep the command from succeeding."""
    typer.echo(f"warning: {text}", err=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
