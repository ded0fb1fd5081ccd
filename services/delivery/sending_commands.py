"""`usermessage sending`: stop all SMS at once, on every worker, and let them go on."""

from typing import Annotated

import typer

from services.delivery.store import SQL
from shared.command_line import AsJson, CommandFailed, group, run, show
from shared.contract import dates
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries
from shared.settings import Settings

_SECONDS = 5.0


def add_sending_commands(command_line: typer.Typer) -> None:
    """Add the commands about sending."""
    commands = group("SMS by carriers: whether any are sent.")
    commands.command("stop")(_stop)
    commands.command("start")(_start)
    commands.command("show")(_show)
    command_line.add_typer(commands, name="sending")


def _stop(
    reason: Annotated[str, typer.Option(help="For whoever looks at it later.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Send no SMS from now on: those that are due meanwhile fail."""
    _query("stop", dates.now(), reason)
    show(_state(), as_json=as_json)


def _start(*, as_json: AsJson = False) -> None:
    """Send SMS again; those that failed meanwhile stay failed."""
    if not _query("start"):
        raise CommandFailed("sending was not stopped")
    show(_state(), as_json=as_json)


def _show(*, as_json: AsJson = False) -> None:
    """Show whether SMS are sent."""
    show(_state(), as_json=as_json)


def _state() -> dict[str, object]:
    found = _query("stopped")
    if not found:
        return {"sending": True}
    return {"sending": False, "since": dates.to_xml(int(str(found[0]["at"]))), "reason": found[0]["reason"]}


def _query(name: str, *arguments: object) -> list[dict[str, object]]:
    async def work(settings: Settings) -> list[dict[str, object]]:
        async with Database(settings.database_url, 1, name="usermessage") as database:
            rows = await database.fetch(load_queries(SQL)[name], *arguments, timeout=_SECONDS)
            return [dict(row) for row in rows]

    return run(work)
