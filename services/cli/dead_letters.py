"""`usermessage dead-letters`: events on which a handler failed too often."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, TypeAlias

import typer

from shared.bus.dead_letters import DeadLetter, DeadLetters, TooOldError, dead_letters
from shared.bus.link import LinkLost, connected
from shared.bus.topology import EVENT_QUEUES
from shared.command_line import CONNECTION, AsJson, CommandFailed, group, run, show, show_all
from shared.contract import dates
from shared.contract.events import Event, Fact
from shared.settings import Settings

Queue = Annotated[str, typer.Option(help="Only those of this event queue.", show_default=False)]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As list shows them.", show_default=False)]
Every = Annotated[bool, typer.Option("--all", help="All that are there now.")]
_Handle: TypeAlias = Callable[[DeadLetters, DeadLetter], Awaitable[None]]


def add_commands(command_line: typer.Typer) -> None:
    """Add the commands."""
    commands = group("Dead letters: events on which a handler failed too often.")
    commands.command("list")(list_all)
    commands.command("show")(show_one)
    commands.command("replay")(replay)
    commands.command("drop")(drop)
    command_line.add_typer(commands, name="dead-letters")


def list_all(
    *,
    queue: Queue = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List them, oldest first; while this looks nobody else can see them."""

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with _opened(settings, queue) as opened:
            return [_row(each, letter) async for each, letter in _letters(opened, limit)]

    show_all(run(work), as_json=as_json)


def show_one(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="As list shows it.")],
    *,
    queue: Queue = "",
    as_json: AsJson = False,
) -> None:
    """Show one with all its events."""

    async def work(settings: Settings) -> dict[str, object]:
        async with _opened(settings, queue) as opened:
            async for each, letter in _letters(opened):
                if letter.id == letter_id:
                    return _row(each, letter) | {"events": [_told(event) for event in letter.events or ()]}
        raise CommandFailed(f"there is no dead letter {letter_id}")

    show(run(work), as_json=as_json)


def replay(ids: Ids = None, *, every: Every = False, queue: Queue = "", as_json: AsJson = False) -> None:
    """Put events back into their queue, as if nobody had failed on them; for when the cause is gone."""
    show({"replayed": _handled(DeadLetters.replay, ids, queue, every=every)}, as_json=as_json)


def drop(
    ids: Ids = None,
    *,
    every: Every = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    queue: Queue = "",
    as_json: AsJson = False,
) -> None:
    """Forget events for good."""
    if not yes:
        typer.confirm("These events will never be handled. Go on?", abort=True, err=True)
    show({"dropped": _handled(DeadLetters.drop, ids, queue, every=every)}, as_json=as_json)


def _handled(handle: _Handle, ids: Sequence[str] | None, queue: str, *, every: bool) -> int:
    if every == bool(ids):
        raise typer.BadParameter("name dead letters, or say --all")

    async def work(settings: Settings) -> int:
        found: list[str] = []
        old: list[str] = []
        try:
            async with _opened(settings, queue) as opened:
                async for each, letter in _letters(opened):
                    if every or letter.id in (ids or ()):
                        try:
                            await handle(each, letter)
                            found.append(letter.id)
                        except TooOldError:
                            old.append(letter.id)
        except LinkLost as lost:
            raise CommandFailed(f"done for {len(found)}, the others stay; RabbitMQ did not do it: {lost}") from lost
        if old:
            raise CommandFailed(f"done for {len(found)}; older than 6 days, so they might act again: {', '.join(old)}")
        missing = sorted(set(ids or ()) - set(found))
        if missing:
            raise CommandFailed(f"done for {len(found)}; there is no dead letter {', '.join(missing)}")
        return len(found)

    return run(work)


@asynccontextmanager
async def _opened(settings: Settings, only: str) -> AsyncIterator[list[DeadLetters]]:
    wanted = [queue for queue in EVENT_QUEUES if only in ("", queue.name)]
    if not wanted:
        raise CommandFailed(f"there is no event queue {only}; there are {', '.join(q.name for q in EVENT_QUEUES)}")
    async with connected(settings.amqp_url, CONNECTION) as session, AsyncExitStack() as opened:
        found = [await opened.enter_async_context(dead_letters(session, queue)) for queue in wanted]
        yield [each for each in found if each is not None]


async def _letters(
    opened: Sequence[DeadLetters], limit: int | None = None
) -> AsyncIterator[tuple[DeadLetters, DeadLetter]]:
    """Give those that were there at the beginning, or so many of them: a replayed one may come back."""
    left = sum(each.count for each in opened) if limit is None else limit
    for each in opened:
        for _ in range(min(each.count, left)):
            letter = await each.next()
            if letter is None:
                break
            left -= 1
            yield each, letter


def _row(queue: DeadLetters, letter: DeadLetter) -> dict[str, object]:
    first = _told(letter.events[0]) if letter.events else dict.fromkeys(_told(Event(0, 0, 0, 0, 0)))
    counted: dict[str, Any] = {"events": None if letter.events is None else len(letter.events)}
    return {"id": letter.id, "queue": queue.queue, "attempts": letter.attempts, "error": letter.error} | first | counted


def _told(event: Event) -> dict[str, object]:
    known = {fact.value: fact.name.lower() for fact in Fact}
    return {
        "fact": known.get(event.fact, str(event.fact)),
        "account_id": event.account_id,
        "message_id": event.message_id,
        "written_at": dates.to_xml(event.at),
    }
