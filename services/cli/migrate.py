"""`usermessage migrate`: bring the schema up to this code."""

from typing import Annotated

import typer

from shared.command_line import AsJson, run, show
from shared.postgres.migrate import migrate as apply_pending


def migrate(
    *,
    after: Annotated[bool, typer.Option(help="Also what must wait until no old code runs any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply the migrations that are due; an empty database gets all of them."""
    applied = run(lambda settings: apply_pending(settings.database_url, after=after))
    if as_json:
        show({"applied": applied}, as_json=True)
        return
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("nothing to apply")
