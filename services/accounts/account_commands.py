"""`usermessage accounts`: accounts, their numbers and passwords."""

from typing import Annotated

import typer

from services.accounts.administering import GREATEST_ID, WithToken, administering, msisdn, revoke
from services.accounts.import_command import import_all
from services.accounts.number_commands import remove_number, set_number
from services.accounts.passwords import Passwords
from services.accounts.tokens import new_secret
from shared.command_line import Account, AsJson, group, read_secret, run, show, show_all
from shared.settings import Settings

_PAGE = 1000


def accounts() -> typer.Typer:
    """Return the commands for accounts."""
    commands = group("Accounts. Passwords are read from standard input only.")
    commands.command("create")(create)
    commands.command("import")(import_all)
    commands.command("disable")(disable)
    commands.command("enable")(enable)
    commands.command("password")(password)
    commands.command("unblock")(unblock)
    commands.command("set-number")(set_number)
    commands.command("remove-number")(remove_number)
    commands.command("show")(show_one)
    commands.command("list")(list_all)
    return commands


def create(
    number: Annotated[str, typer.Argument(metavar="[MSISDN]", help="Left out: no number, so no login.")] = "",
    *,
    with_token: WithToken = 0,
    as_json: AsJson = False,
) -> None:
    """Create an account; the password of its number is read from standard input."""
    digits = msisdn(number) if number else None
    secret = read_secret("Password") if digits else None
    token = new_secret() if with_token else None

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            if with_token:
                await administration.require_key(with_token)
            hashed = await _hashed(secret)
            (account_id,) = await administration.create_accounts(
                [(digits, hashed)], [token] if token else [], with_token
            )
            return account_id

    created = {"id": run(work), "msisdn": digits}
    show(created | ({"auth_token": token} if token else {}), as_json=as_json)


def disable(account: Account, *, as_json: AsJson = False) -> None:
    """Refuse an account from now on; its messages and tokens stay."""
    _set_disabled(account, disabled=True, as_json=as_json)


def enable(account: Account, *, as_json: AsJson = False) -> None:
    """Let a disabled account in again."""
    _set_disabled(account, disabled=False, as_json=as_json)


def password(account: Account, *, as_json: AsJson = False) -> None:
    """Give an account another password, read from standard input; ends a block, and its tokens stay valid."""
    secret = read_secret("New password")

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            await administration.set_password(account_id, str(await _hashed(secret)))
            return account_id

    show({"id": run(work)}, as_json=as_json)


def unblock(account: Account, *, as_json: AsJson = False) -> None:
    """End the block that wrong passwords led to, and forget them."""

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            await administration.unblock(account_id)
            return account_id

    show({"id": run(work), "blocked_until": None}, as_json=as_json)


def show_one(account: Account, *, as_json: AsJson = False) -> None:
    """Show an account, without its secrets."""

    async def work(settings: Settings) -> dict[str, object]:
        async with administering(settings) as administration:
            return await administration.account(await administration.account_id(account))

    show(run(work), as_json=as_json)


def list_all(
    *,
    after: Annotated[int, typer.Option(help="Only accounts with ids above this.", min=0, max=GREATEST_ID)] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=GREATEST_ID)] = _PAGE,
    as_json: AsJson = False,
) -> None:
    """List accounts by id."""

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with administering(settings) as administration:
            return await administration.accounts(after, limit)

    show_all(run(work), as_json=as_json)


def _set_disabled(account: str, *, disabled: bool, as_json: bool) -> None:
    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            await administration.set_account_disabled(account_id, disabled=disabled)
        await revoke(settings, account_id=account_id)
        return account_id

    show({"id": run(work), "disabled": disabled}, as_json=as_json)


async def _hashed(secret: str | None) -> str | None:
    if secret is None:
        return None
    with Passwords() as passwords:
        return await passwords.hashed(secret)
