"""The role as it runs: what is written is found soon, whatever is deleted or searched for meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
import orjson
import pytest

from deploy.local.servers import Servers
from services.search.app import search
from shared.bus.events import batch_message, batches
from shared.bus.topology import SEARCH_DELETIONS, SEARCH_EVENTS, EventQueue, declare_events
from shared.contract.events import Event, Fact
from shared.contract.faults import Fault, Refused
from shared.contract.operation import Identity
from shared.contract.search import QUEUE, SEARCH
from shared.mailbox.writes import Removal
from shared.settings import Settings
from tests.apart import place_of_its_own
from tests.integration.bus_rig import Rig as Bus
from tests.integration.bus_rig import calling, eventually
from tests.integration.mailbox_rig import message, within
from tests.integration.search_rig import SearchRig, search_rig

ACCOUNT, BUSY = 1, 2
DELETED = 100_000
# Searches of the busy account take so long that nothing else would be done in it.
SLOW_SECONDS = 5.0
_SLOW = f"""
create or replace function search_find(
  of_account bigint, of_address text, only_locked boolean, behind_date bigint, behind_message integer, most integer,
  unwanted text[], wanted text[], lexemes_wanted tsquery
) returns table (date_sent bigint, message_id integer)
language sql as $$ select 1::bigint, 1 from pg_sleep(case of_account when {BUSY} then {SLOW_SECONDS} else 0 end) $$
"""


class World:
    """The role on servers that nobody else uses, its mailboxes, and who calls and tells it."""

    def __init__(self, mailboxes: SearchRig, bus: Bus, amqp_url: str) -> None:
        self.mailboxes = mailboxes
        self._bus = bus
        self._amqp_url = amqp_url

    async def publish(self, queue: EventQueue, events: Sequence[Event]) -> None:
        async with await aio_pika.connect(self._amqp_url) as connection:
            channel = await connection.channel()
            await declare_events(channel, queue)
            for batch in batches(events):
                await channel.default_exchange.publish(batch_message(batch), queue.name)

    async def ready(self, queue: EventQueue) -> int:
        """Return how many batches wait in a queue."""
        async with await aio_pika.connect(self._amqp_url) as connection:
            declared = await (await connection.channel()).declare_queue(queue.name, passive=True)
            return declared.declaration_result.message_count or 0

    async def until_indexed(self, *message_ids: int) -> None:
        """Wait until the index has just these messages of the account."""
        async with asyncio.timeout(60):
            while {*await self.mailboxes.documents(ACCOUNT)} != {*message_ids}:  # noqa: ASYNC110 - it is asked
                await asyncio.sleep(0.01)

    async def search(self, account_id: int) -> int:
        """Return the code of an answer."""
        request = {"query": "word", "locked": False, "limit": 0}
        try:
            identity, deadline = Identity(account_id, 1, None), time.monotonic() + 30
            body = await self._bus.caller.call(SEARCH, request, identity, "trace", deadline=deadline)
        except Refused as refused:
            return refused.fault
        return int(orjson.loads(body)["errorCode"])


@asynccontextmanager
async def running(servers: Servers, **settings: int) -> AsyncIterator[World]:
    async with place_of_its_own(servers) as place:
        url, amqp_url = place["DATABASE_URL"], place["AMQP_URL"]
        async with search_rig(url) as mailboxes:
            chosen = Settings(database_url=url, amqp_url=amqp_url, search_backend="postgres", **settings)  # type: ignore[arg-type]
            async with search(chosen), calling(amqp_url) as bus:
                await bus.consumed(QUEUE, 1)
                yield World(mailboxes, bus, amqp_url)


@pytest.fixture
async def world(servers: Servers) -> AsyncIterator[World]:
    async with running(servers) as world:
        yield world


async def test_deletions_come_by_a_queue_of_their_own_and_from_an_earlier_version_by_that_of_all(world: World) -> None:
    rig = world.mailboxes.rig
    await rig.insert(*(message(ACCOUNT, body="word") for _ in range(3)))
    await world.publish(SEARCH_EVENTS, await world.mailboxes.events(ACCOUNT))
    await world.until_indexed(1, 2, 3)
    await rig.mailbox.delete([Removal(ACCOUNT, 1), Removal(ACCOUNT, 2)], within([0, 0]))
    first, second = await world.mailboxes.events(ACCOUNT)
    await world.publish(SEARCH_EVENTS, [first])
    await world.until_indexed(2, 3)
    await world.publish(SEARCH_DELETIONS, [second])
    await world.until_indexed(3)


async def test_one_tidies_the_index_of_a_process(world: World) -> None:
    assert world.mailboxes
    assert [task.get_name() for task in asyncio.all_tasks()].count("upkeep search documents") == 1


async def test_what_is_stored_does_not_wait_behind_what_was_deleted(world: World) -> None:
    deleted = [Event(Fact.MESSAGE_DELETED, 9, number, number, 0) for number in range(DELETED)]
    await world.publish(SEARCH_DELETIONS, deleted)
    await world.mailboxes.rig.insert(message(ACCOUNT, body="word"))
    await world.publish(SEARCH_EVENTS, await world.mailboxes.events(ACCOUNT))
    await world.until_indexed(1)
    left = await world.ready(SEARCH_DELETIONS)
    print(f"{left} of {DELETED // 200} batches left")
    assert left > DELETED / 200 / 4


async def test_searches_of_one_account_hold_up_neither_others_nor_the_index(servers: Servers) -> None:
    async with running(servers, pool_size=3) as world:
        await world.mailboxes.rig.rows(_SLOW)
        began = time.monotonic()
        busy = [asyncio.create_task(world.search(BUSY)) for _ in range(8)]
        await eventually(lambda: time.monotonic() - began > 0.3)
        assert [await world.search(ACCOUNT) for _ in range(20)] == [0] * 20
        await world.mailboxes.rig.insert(message(ACCOUNT, body="word"))
        await world.publish(SEARCH_EVENTS, await world.mailboxes.events(ACCOUNT))
        await world.until_indexed(1)
        assert not any(each.done() and each.result() == 0 for each in busy)
        # Two have a place, and the others hear that there is none.
        codes = sorted(await asyncio.gather(*busy))
        assert codes == [0] * 2 + [Fault.TOO_MANY_REQUESTS] * 6
