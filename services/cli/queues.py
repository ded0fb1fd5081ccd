"""`usermessage queues`: how much waits, and who takes it."""

from functools import partial
from typing import Annotated, TypeAlias

import typer

from shared.bus.depths import Depth, depth, oldest_at
from shared.bus.link import LinkLost, Session, connected
from shared.bus.topology import COMMAND_QUEUES, EVENT_QUEUES, EventQueue
from shared.command_line import CONNECTION, AsJson, opened_database, run, show_all
from shared.contract import dates
from shared.mailbox.outbox_depth import OutboxDepth
from shared.postgres.errors import DatabaseError
from shared.settings import Settings

_Rows: TypeAlias = list[dict[str, object]]


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
    rows, failures = run(partial(_looked, lag=lag))
    show_all(rows, as_json=as_json)
    if failures:
        raise failures[0]


async def _looked(settings: Settings, *, lag: bool) -> tuple[_Rows, list[Exception]]:
    """Look at the outbox and at the queues: when one of both is away, the other is what somebody wants to see."""
    rows: _Rows = []
    failures: list[Exception] = []
    for look in (_outbox, partial(_queues, lag=lag)):
        try:
            rows += await look(settings)
        except (DatabaseError, LinkLost) as error:
            failures.append(error)
    return rows, failures


async def _outbox(settings: Settings) -> _Rows:
    async with opened_database(settings) as database:
        events, seconds = await OutboxDepth(database).state()
    return [_row(Depth("outbox", events), seconds if events else None)]


async def _queues(settings: Settings, *, lag: bool) -> _Rows:
    async with connected(settings.amqp_url, CONNECTION) as session:
        rows = [_row(await depth(session, queue.name)) for queue in COMMAND_QUEUES]
        for queue in EVENT_QUEUES:
            rows += await _event_queue(session, queue, lag=lag)
    return rows


async def _event_queue(session: Session, queue: EventQueue, *, lag: bool) -> _Rows:
    found = await depth(session, queue.name)
    at = await oldest_at(session, queue.name) if lag else None
    behind = [_row(await depth(session, name)) for name in (*queue.retries, queue.dead)]
    return [_row(found, None if at is None else (dates.now() - at) / 1000), *behind]


def _row(found: Depth, seconds: float | None = None) -> dict[str, object]:
    age = None if seconds is None else round(seconds, 3)
    return {"queue": found.queue, "waiting": found.messages, "consumers": found.consumers, "oldest_seconds": age}
