"""What the writes of a run leave behind: events in the outbox, sends and texts that have not arrived."""

import asyncio
import time
from typing import NamedTuple

import aio_pika
import asyncpg

from shared.bus.topology import EVENT_QUEUES

_LIMIT_SECONDS = 300.0
_LOOK_SECONDS = 0.02
# What consumers hold when their queue is empty is handled within this.
_IN_HAND_SECONDS = 1.0
# Events may be in the broker when the outbox is empty, but a send is settled when its own was handled.
_LEFT = """
select (select count(*) from outbox) as events,
  (
    select count(*) from message left join delivery_job as job using (account_id, message_id)
    where not message.incoming and message.status = 1 and not message.deleted and job.state is distinct from 'accepted'
  ) as sends
"""


_TEXTS = """
select (select count(*) from delivery_job where state = 'waiting') as events,
  (select count(*) from delivery_job where state = 'submitting') as sends
"""


class Left(NamedTuple):
    """How many events or texts were waiting when the last answer came, and the seconds until all had an effect."""

    events: int
    seconds: float


async def settled(url: str, *, texts: bool) -> Left:
    """Wait until no event waits and no send is pending; of `texts` only until a carrier has each."""
    connection = await asyncpg.connect(url)
    query = _TEXTS if texts else _LEFT
    began = time.monotonic()
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            first, sends = await _look(connection, query)
            events = first
            while events or sends:
                await asyncio.sleep(_LOOK_SECONDS)
                events, sends = await _look(connection, query)
    finally:
        await connection.close()
    return Left(first, time.monotonic() - began)


async def handled(amqp_url: str) -> None:
    """Wait until no event waits in the broker, as those do that the index did not keep up with."""
    async with asyncio.timeout(_LIMIT_SECONDS), await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        empty_since = time.monotonic()
        while time.monotonic() - empty_since < _IN_HAND_SECONDS:
            for queue in EVENT_QUEUES:
                found = await channel.declare_queue(queue.name, passive=True)
                if found.declaration_result.message_count:
                    empty_since = time.monotonic()
            await asyncio.sleep(_LOOK_SECONDS)


async def _look(connection: asyncpg.Connection, query: str) -> tuple[int, int]:
    row = await connection.fetchrow(query)
    assert row is not None
    return row["events"], row["sends"]
