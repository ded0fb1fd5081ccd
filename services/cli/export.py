"""`usermessage accounts export`: everything that is known of an account, as JSON Lines."""

from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from services.accounts import commands as accounts
from services.cli.json_lines import opened, write
from shared.command_line import Account, AsJson, opened_database, run, show
from shared.mailbox.export import exported_mailbox
from shared.settings import Settings

_TYPES = ("account", "login", "contact", "device", "conversation", "message")
_DAY_SECONDS = 86_400.0
# One moment for all of it; rows in the order of an index, so that none waits for a sort of all; and a reader may take
# its time, such as a person with a pager.
_SNAPSHOT = """
set transaction isolation level repeatable read, read only;
set local enable_sort to off;
set local idle_in_transaction_session_timeout to '1h'
"""


def export(
    account: Account,
    *,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file instead of standard output.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write everything of an account but secrets as JSON Lines, as it was at one moment.

    Each line has a type: account, login, contact, device, conversation or message; the last one is end, with how many
    there were of each, and without it the export is not whole. Names are those of the API, dates ISO 8601 in UTC.
    """
    account_id = run(lambda settings: accounts.account_id(settings, account))
    with opened(output) as stream:
        counts = run(lambda settings: _export(settings, account_id, stream))
    if output is not None:
        show({"account_id": account_id} | counts, as_json=as_json)


async def _export(settings: Settings, account_id: int, stream: BinaryIO) -> dict[str, int]:
    """Write the account and return how many rows of each type it has."""
    counts = dict.fromkeys(_TYPES, 0)
    async with (
        opened_database(settings) as database,
        database.transaction(timeout=_DAY_SECONDS) as connection,
    ):
        await connection.execute(_SNAPSHOT)
        for rows in (accounts.exported_account(connection, account_id), exported_mailbox(connection, account_id)):
            async for kind, row in rows:
                write(stream, {"type": kind} | row)
                counts[kind] += 1
    write(stream, {"type": "end", "counts": counts})
    return counts
