"""The conversations role's part of the `usermessage` command line: retention."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer

from shared.command_line import Account, AsJson, CommandFailed, FindAccount, group, opened_database, run, show, show_all
from shared.contract import dates
from shared.mailbox.expiry import Cleared, Expiry, Left, Retained
from shared.mailbox.retention_rules import RetentionRules, Rule
from shared.postgres.pool import Database
from shared.settings import RETENTION_DAYS_LIMIT, Settings

_DEFAULT = "default"


def add_commands(command_line: typer.Typer, find_account: FindAccount) -> None:
    """Add what this role has to offer."""
    retention = _Retention(find_account)
    commands = group("Retention: after how many days messages go.")
    commands.command("show")(retention.show)
    commands.command("set")(retention.set)
    commands.command("run")(retention.run)
    command_line.add_typer(commands, name="retention")


def _days(text: str) -> int | None:
    """Return days, or none for those of the installation."""
    if text == _DEFAULT:
        return None
    if re.fullmatch("[0-9]{1,5}", text) and int(text) <= RETENTION_DAYS_LIMIT:
        return int(text)
    raise typer.BadParameter(f"neither a number from 0 to {RETENTION_DAYS_LIMIT} nor '{_DEFAULT}'")


class _Retention:
    def __init__(self, find_account: FindAccount) -> None:
        self._find_account = find_account

    def show(
        self,
        account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="Left out: the installation.")] = "",
        *,
        as_json: AsJson = False,
    ) -> None:
        """Show after how many days messages go, 0 for never, and when all mailboxes were gone through last."""

        async def work(settings: Settings) -> dict[str, object]:
            account_id = await self._find_account(settings, account) if account else None
            async with opened_database(settings, 2) as database:
                rules = RetentionRules(database, settings.retention_days)
                if account_id is None:
                    return {"default_days": settings.retention_days} | _dated(await rules.state())
                return _shown(account_id, await rules.of(account_id), settings)

        show(run(work), as_json=as_json)

    def set(
        self,
        account: Account,
        days: Annotated[str, typer.Argument(metavar="DAYS|default", help="0: never.")],
        *,
        as_json: AsJson = False,
    ) -> None:
        """Give an account days of its own; older messages of it go within some hours, or with `retention run`."""
        own_days = _days(days)

        async def work(settings: Settings) -> dict[str, object]:
            account_id = await self._find_account(settings, account)
            async with opened_database(settings, 2) as database:
                rules = RetentionRules(database, settings.retention_days)
                await rules.set(account_id, own_days)
                return _shown(account_id, await rules.of(account_id), settings)

        show(run(work), as_json=as_json)

    def run(
        self,
        *,
        account: Annotated[str, typer.Option(metavar="ACCOUNT", help="Only this one.", show_default=False)] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, and change nothing.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Remove the messages that are too old, now; a line for each account that had some, then one for all."""

        async def work(settings: Settings) -> list[tuple[Retained, Cleared]]:
            account_id = await self._find_account(settings, account) if account else None
            async with opened_database(settings, 2) as database:
                expiry = Expiry(database, settings.retention_days)
                mailboxes = _all_due(expiry) if account_id is None else _one(database, settings, account_id)
                return [(mailbox, await _cleared(expiry, mailbox, dry_run=dry_run)) async for mailbox in mailboxes]

        _report(run(work), dry_run=dry_run, as_json=as_json)


async def _all_due(expiry: Expiry) -> AsyncIterator[Retained]:
    behind, last = 0, False
    while not last:
        mailboxes, last = await expiry.behind(behind)
        for mailbox in mailboxes:
            behind = mailbox.account_id
            if mailbox.due:
                yield mailbox


async def _one(database: Database, settings: Settings, account_id: int) -> AsyncIterator[Retained]:
    rule = await RetentionRules(database, settings.retention_days).of(account_id)
    yield Retained(account_id, rule.days, rule.before, due=True)


async def _cleared(expiry: Expiry, mailbox: Retained, *, dry_run: bool) -> Cleared:
    return Cleared(await expiry.count(mailbox), Left.DONE) if dry_run else await expiry.clear(mailbox)


def _report(cleared: list[tuple[Retained, Cleared]], *, dry_run: bool, as_json: bool) -> None:
    rows = [
        {"account_id": mailbox.account_id, "days": mailbox.days, "messages": done.messages}
        for mailbox, done in cleared
        if done.messages
    ]
    show_all(rows, as_json=as_json)
    total = sum(done.messages for _, done in cleared)
    show({"dry_run": dry_run, "accounts": len(rows), "messages": total}, as_json=as_json)
    in_use = sum(done.left is Left.IN_USE for _, done in cleared)
    if in_use:
        raise CommandFailed(f"mailboxes in use, in which some are left: {in_use}")


def _shown(account_id: int, rule: Rule, settings: Settings) -> dict[str, object]:
    own = {"days": rule.days, "own_days": rule.own_days}
    return {"account_id": account_id, **own, "default_days": settings.retention_days}


def _dated(state: dict[str, Any]) -> dict[str, object]:
    ended = state["last_pass"]
    return state | {"last_pass": None if ended is None else dates.to_xml(ended)}
