"""`usermessage tokens`: what accounts log in for."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from services.accounts.administering import GREATEST_ID, administering, revoke
from services.accounts.tokens import new_secret
from shared.command_line import AsJson, CommandFailed, group, read_secret, run, show, show_all
from shared.settings import Settings

Account = Annotated[str, typer.Option(help="An account: +number, id:ID, or digits that are only one of both.")]


def tokens() -> typer.Typer:
    """Return the commands for tokens."""
    commands = group("Tokens, which end by revocation only.")
    commands.command("create")(create)
    commands.command("list")(list_all)
    commands.command("revoke")(revoke_some)
    return commands


def create(
    account: Account,
    key: Annotated[int, typer.Option(min=1, max=GREATEST_ID, help="Id of the API key that the token is for.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Create a token without a login; it is shown this once."""
    token = new_secret()

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            await administration.require_key(key)
            account_id = await administration.account_id(account)
            await administration.add_token(token, account_id, key)
            return account_id

    show({"account_id": run(work), "auth_token": token}, as_json=as_json)


def list_all(account: Account, *, as_json: AsJson = False) -> None:
    """List an account's valid tokens, oldest first, by fingerprints that open nothing."""

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with administering(settings) as administration:
            return await administration.tokens(await administration.account_id(account))

    show_all(run(work), as_json=as_json)


def revoke_some(
    account: Annotated[str, typer.Option(help="An account: +number, id:ID, or digits of only one of both.")] = "",
    key: Annotated[
        int,
        typer.Option(min=0, max=GREATEST_ID, help="Only the account's tokens for this API key.", show_default=False),
    ] = 0,
    fingerprint: Annotated[str, typer.Option(help="Only the account's token with this fingerprint.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="All of the account's tokens.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="One token, read from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Revoke one token, an account's tokens for one application, or all of an account."""
    which = [bool(key), bool(fingerprint), every].count(True)
    if stdin == bool(account) or which != (0 if stdin else 1):
        raise typer.BadParameter("say either --stdin, or --account with one of --all, --key and --fingerprint")
    account_id, count = run(_revocation(account, key or None, fingerprint or None))
    show({"account_id": account_id, "revoked": count}, as_json=as_json)


def _revocation(
    account: str, key_id: int | None, fingerprint: str | None
) -> Callable[[Settings], Coroutine[Any, Any, tuple[int, int]]]:
    token = "" if account else read_secret("Token")

    async def work(settings: Settings) -> tuple[int, int]:
        async with administering(settings) as administration:
            if account:
                account_id = await administration.account_id(account)
                count = await administration.revoke_tokens(account_id, key_id, fingerprint)
                if fingerprint and not count:
                    raise CommandFailed("no such token, or it was revoked before")
            else:
                account_id, count = await administration.revoke_token(token), 1
        await revoke(settings, account_id=account_id)
        return account_id, count

    return work
