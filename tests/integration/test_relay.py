"""The relay moves each event once while nothing fails, and loses none when something does."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.servers import Servers
from shared.bus.relay import Relay
from shared.contract.events import Fact
from shared.mailbox.outbox import Outbox
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database
from tests.integration.relay_rig import Rig, delete, relay_rig


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    async with fresh_database(servers) as url, relay_rig(url, servers.rabbitmq.url) as rig:
        yield rig


async def test_events_leave_in_batches_for_those_who_want_them(rig: Rig) -> None:
    await rig.write(450)
    await rig.write(30, Fact.MESSAGE_STORED)
    await rig.relay.round()
    assert await rig.left() == 30
    batches = await rig.batches()
    assert [len(batch) for batch in batches] == [200, 200, 50]
    assert sorted(event.message_id for batch in batches for event in batch) == list(range(1, 451))
    assert {event.fact for batch in batches for event in batch} == {Fact.SEND_REQUESTED}


async def test_events_that_this_code_does_not_know_stay(rig: Rig) -> None:
    connection = await asyncpg.connect(rig.url)
    try:
        await connection.execute("alter table outbox drop constraint outbox_kind_check")
        await connection.execute("insert into outbox (account_id, message_id, change_seq, kind) values (1, 1, 1, 99)")
    finally:
        await connection.close()
    await rig.write(1)
    await rig.relay.round()
    assert await rig.left() == 1
    assert [len(batch) for batch in await rig.batches()] == [1]


async def test_events_stay_while_nobody_takes_them(rig: Rig) -> None:
    await rig.write(3)
    await delete(rig.amqp_url, rig.queue)
    assert await rig.relay.round() > 0
    assert await rig.left() == 3


async def test_events_stay_without_a_broker(rig: Rig) -> None:
    await rig.write(3)
    async with Database(rig.url, 1, name="relay-test") as database:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await Relay(Outbox(database, rig.queue.facts), rig.queue).round()
    assert await rig.left() == 3


async def test_relays_side_by_side_move_each_event_once(servers: Servers, rig: Rig) -> None:
    async with relay_rig(rig.url, servers.rabbitmq.url) as other:
        await rig.write(3000)
        await asyncio.gather(rig.relay_all(), other.relay_all())
        found = [event.message_id for each in (rig, other) for batch in await each.batches() for event in batch]
    assert sorted(found) == list(range(1, 3001))


async def test_an_event_whose_transaction_took_its_time_is_not_skipped(rig: Rig) -> None:
    connection = await asyncpg.connect(rig.url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("insert into outbox (account_id, message_id, change_seq, kind) values (7, 7, 7, 4)")
        await rig.write(5)
        await rig.relay_all()
        await transaction.commit()
    finally:
        await connection.close()
    await rig.relay.round()
    assert [event.account_id for batch in await rig.batches() for event in batch] == [1] * 5 + [7]


async def test_what_another_process_wrote_just_now_is_left_to_it(rig: Rig) -> None:
    await rig.relay.round()
    await rig.write(3)
    await rig.relay.round()
    assert await rig.left() == 3
    rig.relay.tell()
    await rig.relay.round()
    assert await rig.left() == 0


async def test_what_nobody_took_in_time_is_taken(rig: Rig) -> None:
    await rig.relay.round()
    await rig.write(3)
    async with asyncio.timeout(10):
        while await rig.left():  # noqa: ASYNC110 - the relay looks now and then
            await asyncio.sleep(await rig.relay.round())


async def test_a_backlog_leaves_without_a_pause(rig: Rig) -> None:
    await rig.write(1200)
    assert [await rig.relay.round() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert await rig.left() == 0
