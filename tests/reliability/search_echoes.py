"""Events that come again: late, many times, and in any order."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
import asyncpg

from shared.bus.events import batch_message, batches
from shared.bus.topology import SEARCH_EVENTS
from shared.contract.events import Event, Fact

_CHANGED = "select account_id, message_id, change_seq, 0 from message order by random() limit 200"
_FACTS = (Fact.MESSAGE_STORED, Fact.MESSAGE_CHANGED, Fact.MESSAGE_DELETED)


class Echoes:
    """Copies what events point at from the database now and then, and publishes it again up to `held_back` s later."""

    def __init__(self, database_url: str, amqp_url: str, *, held_back: float, seed: int) -> None:
        self._database_url = database_url
        self._amqp_url = amqp_url
        self._held_back = held_back
        self._dice = random.Random(seed)
        self._waiting: list[tuple[float, Sequence[Event]]] = []
        self.published = 0

    @asynccontextmanager
    async def sounding(self) -> AsyncIterator[None]:
        """Go on until the block ends, and then until all is published."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self._sound(stopping))
        try:
            yield
        finally:
            stopping.set()
            await task

    async def _sound(self, stopping: asyncio.Event) -> None:
        connection = await asyncpg.connect(self._database_url)
        try:
            while not stopping.is_set() or self._waiting:
                if not stopping.is_set():
                    await self._listen(connection)
                await self._publish()
                await asyncio.sleep(0.3)
        finally:
            await connection.close()

    async def _listen(self, connection: asyncpg.Connection) -> None:
        changed = [Event(self._dice.choice(_FACTS), *row) for row in await connection.fetch(_CHANGED)]
        for _ in range(3):
            events = self._dice.sample(changed, len(changed) // 2)
            self._waiting.append((time.monotonic() + self._dice.random() ** 3 * self._held_back, events))

    async def _publish(self) -> None:
        now = time.monotonic()
        due = [events for at, events in self._waiting if at <= now]
        self._waiting = [(at, events) for at, events in self._waiting if at > now]
        async with await aio_pika.connect(self._amqp_url) as link:
            channel = await link.channel()
            for events in due:
                for batch in batches(events):
                    await channel.default_exchange.publish(batch_message(batch), SEARCH_EVENTS.name)
                self.published += len(events)
