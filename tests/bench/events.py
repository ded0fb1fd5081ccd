"""What the writes of a run leave behind: events in the outbox, and sends that have not arrived."""

import asyncio
import time
from typing import NamedTuple

import asyncpg

_LIMIT_SECONDS = 300.0
_LOOK_SECONDS = 0.02
# Events may be in the broker when the outbox is empty, but a send is settled when its own was handled.
_LEFT = """
select (select count(*) from outbox) as events,
  (select count(*) from message where not incoming and status = 1 and not deleted) as sends
"""


class Left(NamedTuple):
    """How many events were waiting when the last answer came, and the seconds until all had an effect."""

    events: int
    seconds: float


async def settled(url: str) -> Left:
    """Wait until no event waits and no send is pending."""
    connection = await asyncpg.connect(url)
    began = time.monotonic()
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            first, sends = await _look(connection)
            events = first
            while events or sends:
                await asyncio.sleep(_LOOK_SECONDS)
                events, sends = await _look(connection)
    finally:
        await connection.close()
    return Left(first, time.monotonic() - began)


async def _look(connection: asyncpg.Connection) -> tuple[int, int]:
    row = await connection.fetchrow(_LEFT)
    assert row is not None
    return row["events"], row["sends"]
