"""The messages role's part of the `usermessage` command line: an account's devices."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Annotated

import typer

from shared.command_line import Account, AsJson, CommandFailed, FindAccount, group, opened_database, run, show, show_all
from shared.contract import dates
from shared.contract.faults import Fault
from shared.mailbox.devices import DeviceRemoval
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import Terms
from shared.settings import Settings

_SECONDS = 30.0
_DATES = ("created_at", "synced_at")


def add_commands(command_line: typer.Typer, find_account: FindAccount) -> None:
    """Add what this role has to offer."""
    devices = _Devices(find_account)
    commands = group("Devices of an account.")
    commands.command("list")(devices.list_all)
    commands.command("delete")(devices.delete)
    command_line.add_typer(commands, name="devices")


class _Devices:
    def __init__(self, find_account: FindAccount) -> None:
        self._find_account = find_account

    def list_all(self, account: Account, *, as_json: AsJson = False) -> None:
        """List an account's devices by id."""

        async def work(settings: Settings) -> list[dict[str, object]]:
            account_id = await self._find_account(settings, account)
            async with _mailbox(settings) as mailbox:
                return await mailbox.devices(account_id, timeout=_SECONDS)

        show_all([_shown(row) for row in run(work)], as_json=as_json)

    def delete(
        self,
        account: Account,
        device_id: Annotated[int, typer.Argument(metavar="DEVICE_ID")],
        *,
        as_json: AsJson = False,
    ) -> None:
        """Delete a device; its next sync is refused. The messages stay."""

        async def work(settings: Settings) -> int:
            account_id = await self._find_account(settings, account)
            async with _mailbox(settings) as mailbox:
                await _delete(mailbox, DeviceRemoval(account_id, device_id))
            return account_id

        show({"account_id": run(work), "deleted": device_id}, as_json=as_json)


async def _delete(mailbox: Mailbox, removal: DeviceRemoval) -> None:
    (outcome,) = await mailbox.delete_device([removal], [Terms(time.monotonic() + _SECONDS)])
    settled = await outcome if isawaitable(outcome) else outcome
    if settled is Fault.DEVICE_INVALID:
        raise CommandFailed(f"the account has no device {removal.device_id}")
    if isinstance(settled, Fault):
        raise CommandFailed(f"not deleted: {settled.meaning}")


def _shown(row: dict[str, object]) -> dict[str, object]:
    return row | {name: dates.to_xml(value) for name in _DATES if isinstance(value := row[name], int)}


@asynccontextmanager
async def _mailbox(settings: Settings) -> AsyncIterator[Mailbox]:
    async with opened_database(settings, 2) as database:
        yield Mailbox(database, database)
