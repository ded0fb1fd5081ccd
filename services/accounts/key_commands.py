"""`usermessage keys`: API keys, one for each calling application."""

import typer

from services.accounts.administering import administering, revoke
from services.accounts.tokens import new_secret
from shared.command_line import AsJson, group, run, show, show_all
from shared.settings import Settings


def keys() -> typer.Typer:
    """Return the commands for API keys."""
    commands = group("API keys: one for each calling application.")
    commands.command("create")(create)
    commands.command("disable")(disable)
    commands.command("enable")(enable)
    commands.command("list")(list_all)
    return commands


def create(name: str, *, as_json: AsJson = False) -> None:
    """Create an API key; it is shown this once."""
    api_key = new_secret()

    async def work(settings: Settings) -> int:
        async with administering(settings) as administration:
            return await administration.create_key(name, api_key)

    show({"id": run(work), "name": name, "api_key": api_key}, as_json=as_json)


def disable(key_id: int, *, as_json: AsJson = False) -> None:
    """Refuse an application from now on."""
    _set_disabled(key_id, disabled=True, as_json=as_json)


def enable(key_id: int, *, as_json: AsJson = False) -> None:
    """Let a disabled application in again."""
    _set_disabled(key_id, disabled=False, as_json=as_json)


def list_all(*, as_json: AsJson = False) -> None:
    """List API keys, without their secrets."""

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with administering(settings) as administration:
            return await administration.keys()

    show_all(run(work), as_json=as_json)


def _set_disabled(key_id: int, *, disabled: bool, as_json: bool) -> None:
    async def work(settings: Settings) -> None:
        async with administering(settings) as administration:
            await administration.set_key_disabled(key_id, disabled=disabled)
        await revoke(settings, application_id=key_id)

    run(work)
    show({"id": key_id, "disabled": disabled}, as_json=as_json)
