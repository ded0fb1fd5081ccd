"""`usermessage accounts erase`: nothing of an account stays."""

import sys
from typing import Annotated

import typer

from services.accounts import commands as accounts
from services.delivery import commands as delivery
from services.search import commands as search
from shared.bus.depths import depth
from shared.bus.forgetting import forget_account
from shared.bus.link import LinkLost, connected
from shared.bus.topology import EVENT_QUEUES
from shared.command_line import Account, AsJson, CommandFailed, opened_database, run, show, warn
from shared.mailbox.erase import erase_mailbox
from shared.settings import Settings


def erase(
    account: Account,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase an account and everything of it, for ever; prints how many rows of each table, and events, that were.

    Copies of its messages in the mailboxes of others stay, for they are theirs. An erase that broke off is finished by
    asking for it again.
    """
    account_id = run(lambda settings: accounts.account_id(settings, account))
    if not yes:
        _ask(account, account_id)
    show({"account_id": account_id} | run(lambda settings: _erased(settings, account_id)), as_json=as_json)


def _ask(account: str, account_id: int) -> None:
    typer.echo(
        f"Everything of account {account_id} goes and cannot be brought back. Repeat {account}: ", nl=False, err=True
    )
    if sys.stdin.readline().strip() != account:
        raise CommandFailed("this is not the account: nothing was erased")


async def _erased(settings: Settings, account_id: int) -> dict[str, int]:
    """Close the account, then erase its data, then the account."""
    await accounts.close_account(settings, account_id)
    async with opened_database(settings) as database:
        return {
            **await erase_mailbox(database, account_id),
            **await delivery.erase_deliveries(database, account_id),
            **await search.erase_index(settings, database, account_id),
            "events": await _forget(settings, account_id),
            **await accounts.erase_account(database, account_id),
        }


async def _forget(settings: Settings, account_id: int) -> int:
    try:
        async with connected(settings.amqp_url, "usermessage command line") as session:
            for queue in EVENT_QUEUES:
                if (await depth(session, queue.name)).messages:
                    warn(f"{queue.name} holds events; ids of the account may stand there until these are handled")
            return sum([await forget_account(session, queue, account_id) for queue in EVENT_QUEUES])
    except LinkLost:
        warn("RabbitMQ is away: ids of the account may stand in dead letters until these are dropped")
        return 0
