"""`usermessage keys`: API keys, one for each calling application."""

from typing import Annotated

import typer

from services.accounts.administering import GREATEST_ID, administering, revoke
from services.accounts.tokens import new_secret
from shared.command_line import AsJson, CommandFailed, group, read_secret, run, show, show_all
from shared.contract.accounts import SECRET_LIMIT
from shared.settings import Settings

# Random letters and digits of this length have 95 bits; it is a key that an application has had for long.
_SHORTEST = 16

KeyId = Annotated[int, typer.Argument(metavar="KEY_ID", min=1, max=GREATEST_ID)]
FromStandardInput = Annotated[
    bool, typer.Option("--stdin", help="A key that an application already has, read from standard input.")
]


def keys() -> typer.Typer:
    """Return the commands for API keys."""
    commands = group("API keys: one for each calling application.")
    commands.command("create")(create)
    commands.command("rotate")(rotate)
    commands.command("disable")(disable)
    commands.command("enable")(enable)
    commands.command("list")(list_all)
    return commands


def create(name: str, *, stdin: FromStandardInput = False, as_json: AsJson = False) -> None:
    """Create an API key; one that was not given is shown this once."""
    api_key = _given() if stdin else new_secret()

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            return await administration.create_key(name, api_key)

    show({"id": run(work), "name": name} | ({} if stdin else {"api_key": api_key}), as_json=as_json)


def rotate(key_id: KeyId, *, stdin: FromStandardInput = False, as_json: AsJson = False) -> None:
    """Replace an API key by another one; the old one ends at once, the application's tokens stay valid."""
    api_key = _given() if stdin else new_secret()

    async def work(settings: Settings) -> None:
        async with administering(settings) as administration:
            await administration.rotate_key(key_id, api_key)
        await revoke(settings, application_id=key_id)

    run(work)
    show({"id": key_id} | ({} if stdin else {"api_key": api_key}), as_json=as_json)


def disable(key_id: KeyId, *, as_json: AsJson = False) -> None:
    """Refuse an application from now on."""
    _set_disabled(key_id, disabled=True, as_json=as_json)


def enable(key_id: KeyId, *, as_json: AsJson = False) -> None:
    """Let a disabled application in again."""
    _set_disabled(key_id, disabled=False, as_json=as_json)


def list_all(*, as_json: AsJson = False) -> None:
    """List API keys, without their secrets."""

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with administering(settings) as administration:
            return await administration.keys()

    show_all(run(work), as_json=as_json)


def _given() -> str:
    api_key = read_secret("API key")
    if len(api_key) < _SHORTEST:
        raise CommandFailed(f"an API key of less than {_SHORTEST} characters can be guessed")
    if len(api_key) > SECRET_LIMIT:
        raise CommandFailed(f"an API key has at most {SECRET_LIMIT} characters")
    return api_key


def _set_disabled(key_id: int, *, disabled: bool, as_json: bool) -> None:
    async def work(settings: Settings) -> None:
        async with administering(settings) as administration:
            await administration.set_key_disabled(key_id, disabled=disabled)
        await revoke(settings, application_id=key_id)

    run(work)
    show({"id": key_id, "disabled": disabled}, as_json=as_json)
