"""The gateway's part of the `usermessage` command line: its API as a document."""

import orjson
import typer

from services.gateway.openapi import openapi
from shared.version import VERSION


def add_commands(command_line: typer.Typer) -> None:
    """Add what this role has to offer."""
    command_line.command("openapi")(_openapi)


def _openapi() -> None:
    """Print the API as an OpenAPI document, in JSON."""
    typer.echo(orjson.dumps(openapi(VERSION), option=orjson.OPT_INDENT_2).decode())
