"""`usermessage queues`: how much waits, and who takes it."""

from typing import Annotated

import typer

from shared.bus.depths import Depth, depth, oldest_at
from shared.bus.link import connected
from shared.bus.topology import COMMAND_QUEUES, EVENT_QUEUES
from shared.command_line import AsJson, run, show_all
from shared.contract import dates
from shared.mailbox.outbox import Outbox
from shared.postgres.pool import Database
from shared.settings import Settings

_CONNECTION = "usermessage command line"


def queues(
    *,
    lag: Annotated[
        bool,
        typer.Option(
            "--lag", help="Also how old the first event of each event queue is; a look is one of 1,000 deliveries."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the outbox and all queues, with their events or messages that wait.

    A message of a command queue holds up to 64 commands, one of an event queue up to 200 events.
    """

    async def work(settings: Settings) -> list[dict[str, object]]:
        async with Database(settings.database_url, 1, name=_CONNECTION) as database:
            events, seconds = await Outbox(database).state()
        outbox = _row(Depth("outbox", events), seconds if events else None)
        async with connected(settings.amqp_url, _CONNECTION) as session:
            rows = [_row(await depth(session, queue.name)) for queue in COMMAND_QUEUES]
            for queue in EVENT_QUEUES:
                found = await depth(session, queue.name)
                at = await oldest_at(session, queue.name) if lag else None
                rows += [_row(found, None if at is None else (dates.now() - at) / 1000)]
                rows += [_row(await depth(session, name)) for name in (*queue.retries, queue.dead)]
        return [outbox, *rows]

    show_all(run(work), as_json=as_json)


def _row(found: Depth, seconds: float | None = None) -> dict[str, object]:
    age = None if seconds is None else round(seconds, 3)
    return {"queue": found.queue, "waiting": found.messages, "consumers": found.consumers, "oldest_seconds": age}
