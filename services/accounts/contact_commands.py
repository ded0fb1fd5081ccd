"""`usermessage contacts`: what clients show as the phone book of an account."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.accounts.administering import administering
from services.accounts.contact_book import ContactBook, contact_book
from services.accounts.contact_files import entries_of
from services.accounts.phone_numbers import region, region_of
from shared.command_line import Account, AsJson, group, run, show, show_all, warn
from shared.settings import Settings

_PLACES_SHOWN = 20


def contacts() -> typer.Typer:
    """Return the commands for contacts."""
    commands = group("Contacts of an account, which its clients show.")
    commands.command("import")(import_file)
    commands.command("list")(list_all)
    commands.command("clear")(clear)
    return commands


def import_file(
    account: Account,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="vCard, or CSV of Google, Outlook or name,number.")],
    *,
    country_code: Annotated[
        int,
        typer.Option(
            metavar="CODE",
            help="Of national numbers, such as 43; else that of the account's number.",
            show_default=False,
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Make the contacts of a file those of an account, instead of what it had.

    Entries without a usable number are skipped and counted. All of the file is stored, or nothing.
    """
    home = _home(country_code)

    async def work(settings: Settings) -> tuple[int, ContactBook]:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            own = (await administration.account(account_id))["msisdn"]
            book = contact_book(entries_of(file), home or (region_of(own) if own else None))
            await administration.replace_contacts(account_id, book.contacts)
            return account_id, book

    account_id, book = run(work)
    _warn_of(book.numbers_skipped)
    stored = {"contacts": len(book.contacts), "entries_skipped": book.entries_skipped}
    show({"account_id": account_id, **stored, "numbers_skipped": len(book.numbers_skipped)}, as_json=as_json)


def list_all(account: Account, *, as_json: AsJson = False) -> None:
    """List an account's contacts in the order of the file that they came from."""

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with administering(settings) as administration:
            return await administration.contacts(await administration.account_id(account))

    show_all(run(work), as_json=as_json)


def clear(account: Account, *, as_json: AsJson = False) -> None:
    """Remove all contacts of an account."""

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            await administration.replace_contacts(account_id, [])
            return account_id

    show({"account_id": run(work), "contacts": 0}, as_json=as_json)


def _home(country_code: int) -> str | None:
    found = region(country_code) if country_code else None
    if country_code and found is None:
        raise typer.BadParameter(f"no country has the code {country_code}", param_hint="--country-code")
    return found


def _warn_of(places: Sequence[str]) -> None:
    if places:
        shown = ", ".join(places[:_PLACES_SHOWN]) + (", ..." if len(places) > _PLACES_SHOWN else "")
        warn(f"these have a number that is none, or has no country: {shown}")
