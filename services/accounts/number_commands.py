"""`usermessage accounts set-number` and `remove-number`: the number that an account logs in with."""

from typing import Annotated

import typer

from services.accounts.administering import administering, msisdn, revoke
from shared.command_line import Account, AsJson, run, show, warn
from shared.settings import Settings


def set_number(
    account: Account,
    number: Annotated[str, typer.Argument(metavar="MSISDN", help="The new number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give an account another number; password and tokens stay."""
    digits = msisdn(number)

    async def work(settings: Settings) -> tuple[int, bool]:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            has_password = await administration.set_number(account_id, digits)
        await revoke(settings, account_id=account_id)
        return account_id, has_password

    account_id, has_password = run(work)
    if not has_password:
        warn("the account cannot log in before it has a password: usermessage accounts password")
    show({"id": account_id, "msisdn": digits}, as_json=as_json)


def remove_number(account: Account, *, as_json: AsJson = False) -> None:
    """Take an account's number away, and with it the password; tokens stay."""

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            account_id = await administration.account_id(account)
            await administration.remove_number(account_id)
        await revoke(settings, account_id=account_id)
        return account_id

    show({"id": run(work), "msisdn": None}, as_json=as_json)
