"""The pieces that every administrative command works with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from services.accounts.administration import Administration
from services.accounts.store import SQL
from shared.bus.link import LinkLost
from shared.bus.revocations import publish_revocation
from shared.command_line import CommandFailed, opened_database, warn
from shared.postgres.queries import load_queries
from shared.settings import Settings

_MSISDN_DIGITS = 15
GREATEST_ID = 2**63 - 1

WithToken = Annotated[
    int,
    typer.Option(metavar="KEY_ID", min=0, max=GREATEST_ID, help="Also a token for this API key.", show_default=False),
]


@asynccontextmanager
async def administering(settings: Settings) -> AsyncIterator[Administration]:
    """Open the database for one command."""
    async with opened_database(settings, 2) as database:
        yield Administration(database, load_queries(SQL))


async def revoke(settings: Settings, *, account_id: int | None = None, application_id: int | None = None) -> None:
    """Tell the gateways what changed, after it was committed; without a broker only warn."""
    try:
        await publish_revocation(settings.amqp_url, account_id=account_id, application_id=application_id)
    except LinkLost:
        seconds = settings.authentication_cache_seconds
        warn(f"RabbitMQ is away: stored, but gateways may go by what they remember for {seconds:g} s more")


def msisdn(text: str) -> str:
    """Return a number's digits; raise `CommandFailed` for what cannot be one."""
    digits = text.strip().removeprefix("+")
    if digits.isascii() and digits.isdecimal() and not digits.startswith("0") and len(digits) <= _MSISDN_DIGITS:
        return digits
    raise CommandFailed("a number has 1 to 15 digits, with or without a plus, and no leading 0")
