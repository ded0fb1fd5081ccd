"""A queue that takes nothing, and what waits for it, is in nobody else's way."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from functools import cached_property

import asyncpg
import pytest

from deploy.local.servers import Servers
from shared.bus.topology import DELIVERY_EVENTS, EVENT_QUEUES, SEARCH_EVENTS, EventQueue
from shared.contract.events import Event, Fact
from shared.mailbox import role
from shared.mailbox.role import mailbox_role
from shared.postgres.migrate import migrate
from shared.settings import Settings
from shared.worker import Work
from tests.integration.fresh_database import fresh_database
from tests.integration.relay_rig import Ends, delete

EVENTS = 20 * 200
_PREPARE = "prepare take as select * from outbox_take('{kinds}', 0, 500, 0)"


class _Small(EventQueue):
    """A queue that is full after a few batches."""

    @cached_property
    def arguments(self) -> Mapping[str, Mapping[str, str | int]]:
        arguments = dict(super().arguments)
        return arguments | {self.name: {**arguments[self.name], "x-max-length": 2}}


@pytest.fixture
async def queues(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[EventQueue, EventQueue]]:
    """Yield queues for a role's events: one that is soon full, and another one."""
    name = f"events.test-{secrets.token_hex(4)}"
    queues = _Small(f"{name}-search", SEARCH_EVENTS.facts), EventQueue(f"{name}-sends", DELIVERY_EVENTS.facts)
    monkeypatch.setattr(role, "EVENT_QUEUES", queues)
    yield queues
    for queue in queues:
        await delete(servers.rabbitmq.url, queue)


async def test_a_full_queue_does_not_hold_up_the_events_of_another(
    servers: Servers, queues: tuple[EventQueue, EventQueue]
) -> None:
    async with fresh_database(servers) as url:
        await migrate(url, after=True)
        settings = Settings(amqp_url=servers.rabbitmq.url, database_url=url)
        full, sends = (Ends(url, servers.rabbitmq.url, queue) for queue in queues)
        async with mailbox_role("test", settings, lambda _: Work()):
            await full.write(EVENTS, Fact.MESSAGE_STORED)
            waiting = await _at_rest(full)
            assert waiting > EVENTS / 2
            await sends.write(450, account_id=2)
            arrived = await _arrived(sends, 450)
            assert {event.account_id for event in arrived} == {2}
            assert await full.left() == waiting
            # Nothing is lost: as soon as there is room it leaves.
            found = await _arrived(full, EVENTS)
        assert {event.message_id for event in found} == set(range(1, EVENTS + 1))


async def _at_rest(ends: Ends) -> int:
    """Return how many events there are left when no more of them leave."""
    before, left = -1, await ends.left()
    while left != before:
        await asyncio.sleep(2.0)
        before, left = left, await ends.left()
    return left


async def _arrived(ends: Ends, events: int) -> list[Event]:
    """Take what is in a queue until so many events were there."""
    found: list[Event] = []
    async with asyncio.timeout(60):
        while len({event.message_id for event in found}) < events:
            await asyncio.sleep(0.1)
            found += [event for batch in await ends.batches() for event in batch]
    return found


@pytest.mark.parametrize(
    ("queue", "backlog"), [(mine, other) for mine in EVENT_QUEUES for other in EVENT_QUEUES if mine is not other]
)
async def test_a_backlog_of_one_queue_is_not_read_for_another(
    servers: Servers, queue: EventQueue, backlog: EventQueue
) -> None:
    """Not even by a statement that was planned when the table was empty."""
    async with fresh_database(servers) as url:
        await migrate(url, after=True)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("vacuum analyze outbox")
            await connection.execute(_PREPARE.replace("kinds", ",".join(map(str, map(int, sorted(queue.facts))))))
            for _ in range(10):
                await connection.execute("execute take")
            await Ends(url, "", backlog).write(200_000, min(backlog.facts))
            await Ends(url, "", queue).write(1, min(queue.facts), account_id=2)
            (plan,) = json.loads(await connection.fetchval("explain (analyze, buffers, format json) execute take"))
        finally:
            await connection.close()
    assert plan["Plan"]["Actual Rows"] == 1
    blocks = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    print(f"{blocks} blocks, {plan['Execution Time']} ms")
    # The table has 1,900; what Postgres looks up to plan is among them.
    assert blocks < 300
