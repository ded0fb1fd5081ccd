"""The search role's part of the `usermessage` command line: rebuilding and checking the index."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import typer

from services.search.backends import BACKENDS
from services.search.check import Check, Checked
from services.search.erase import erase_index
from services.search.index import Index
from services.search.opensearch.bulk import IndexRefused
from services.search.opensearch.client import MissingIndex
from services.search.rebuild import Rebuild, Rebuilt
from services.search.turn import NotOurTurn, our_turn
from shared.command_line import AsJson, CommandFailed, group, opened_database, run, show, warn
from shared.contract.faults import Away
from shared.mailbox.indexing import Indexing
from shared.postgres.errors import DatabaseError
from shared.settings import Settings

__all__ = ["add_commands", "erase_index", "probe_index", "rebuild_index"]

_SAMPLE = 10_000
_TELL_SECONDS = 1.0


def add_commands(command_line: typer.Typer) -> None:
    """Add what this role has to offer."""
    commands = group("The search index: made anew, or checked against the mailboxes.")
    commands.command("rebuild")(_rebuild)
    commands.command("check")(_check)
    command_line.add_typer(commands, name="search")


def _rebuild(*, as_json: AsJson = False) -> None:
    """Make the index anew, while the service runs; the way out when an index is lost, or may be wrong.

    One that broke off changed nothing; the next one begins from the start.
    """
    show(rebuild_index(), as_json=as_json)


def rebuild_index() -> dict[str, object]:
    """Make the index anew, and return how many messages it has, could not take, and lost."""
    return run(_rebuilt)


async def probe_index(settings: Settings) -> None:
    """Raise `CommandFailed` while no index could be made anew; that there is none is no hindrance."""
    async with _opened(settings) as (_, index):
        with suppress(MissingIndex):
            await index.probe()


def _check(
    *,
    full: Annotated[bool, typer.Option("--full", help="Compare every message.")] = False,
    sample: Annotated[int, typer.Option(min=1, metavar="N", help="Compare about so many messages.")] = _SAMPLE,
    repair: Annotated[bool, typer.Option("--repair/--no-repair", help="Index anew what differs.")] = True,
    as_json: AsJson = False,
) -> None:
    """Compare the index with the mailboxes, both ways, and repair it; fails where it differs at the end."""

    async def work(settings: Settings) -> Checked:
        async with _opened(settings) as (mailboxes, index):
            await index.probe()
            check = Check(mailboxes, index, repair=repair)
            return await (check.full() if full else check.sample(sample))

    checked = run(work)
    show(checked.counts, as_json=as_json)
    if checked.left:
        raise CommandFailed("the index differs from the mailboxes; `usermessage search rebuild` makes it anew")


async def _rebuilt(settings: Settings) -> dict[str, object]:
    progress = _Progress()
    try:
        async with _opened(settings) as (mailboxes, index), our_turn(settings) as turn:
            rebuilt, in_place = await Rebuild(mailboxes, index, turn.take, progress.tell).run()
            left_over = await Check(mailboxes, index, repair=True).full() if in_place else Checked()
    except NotOurTurn:
        raise CommandFailed("somebody else makes the index anew now") from None
    if rebuilt.refused:
        warn(f"messages that the index cannot take: {rebuilt.refused}")
    return {"messages": rebuilt.messages, "refused": rebuilt.refused, "removed": left_over.orphaned}


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Indexing, Index]]:
    async with (
        opened_database(settings, 2) as database,
        BACKENDS[settings.search_backend.lower()](settings, database) as index,
    ):
        try:
            yield Indexing(database), index
        except DatabaseError:
            raise
        except Away as away:
            raise CommandFailed(f"the index did not do it: {away.reason}") from None
        except IndexRefused as refused:
            raise CommandFailed(f"the index cannot do it: {refused}") from None


class _Progress:
    """Tells a person at most once a second how far a rebuild is."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    def tell(self, rebuilt: Rebuilt, problem: str) -> None:
        now = time.monotonic()
        if problem or now - self._told >= _TELL_SECONDS:
            self._told = now
            sys.stderr.write(f"{problem or self._line(rebuilt, now - self._began)}\n")

    @staticmethod
    def _line(rebuilt: Rebuilt, seconds: float) -> str:
        # Messages that come in meanwhile are more than there were.
        total = max(rebuilt.total, rebuilt.messages)
        rate = rebuilt.messages / seconds
        left = f"{(total - rebuilt.messages) / rate:.0f} s left" if rate else "no end in sight"
        return f"{rebuilt.messages} of {total} messages ({rebuilt.messages / max(total, 1):.0%}), {rate:.0f}/s, {left}"
