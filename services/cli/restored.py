"""`usermessage restored`: what has to be done after the database came back from a backup."""

from functools import partial
from typing import Annotated

import typer

from services.accounts import commands as accounts
from services.delivery import commands as delivery
from services.search import commands as search
from shared.command_line import AsJson, CommandFailed, opened_database, run, show, warn
from shared.mailbox.restored import GAP, RestoredMailboxes
from shared.postgres.errors import DatabaseError
from shared.postgres.restored import advance_sequences, connected_roles
from shared.settings import Settings

_LEFT = "only `usermessage search rebuild` is left to do"
_WORKERS = ["accounts", "conversations", "messages", "search", "delivery"]


def restored(
    *,
    send_again: Annotated[
        bool, typer.Option("--send-again", help="Also send texts that may have been sent after the backup.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a database good that was restored from a backup; before any worker starts.

    No number is given again that the lost database gave, phones are told their messages anew, texts that may have been
    sent since the backup are not sent, and the search index is made anew. It may be done again where it broke off, but
    for the index, which `usermessage search rebuild` makes too. What was done is printed before and after the index.
    """
    show(run(partial(_restored, send_again=send_again)), as_json=as_json)
    show({"indexed": _index_anew()}, as_json=as_json)


def _index_anew() -> object:
    try:
        return search.rebuild_index()["messages"]
    except CommandFailed as error:
        raise CommandFailed(f"{error}; {_LEFT}") from None
    except DatabaseError:
        warn(_LEFT)
        raise


async def _restored(settings: Settings, *, send_again: bool) -> dict[str, object]:
    async with opened_database(settings) as database:
        if running := await connected_roles(database, _WORKERS):
            raise CommandFailed(f"these are connected to the database, stop them first: {', '.join(running)}")
        # Last it is written to, but a second run would fail texts that fall due until then.
        await search.probe_index(settings)
        return {
            **await delivery.restored_deliveries(database, accounts.known_numbers, send_again=send_again),
            "sequences": await advance_sequences(database, GAP),
            **await RestoredMailboxes(database).advance(),
        }
