"""Each event is handled, or is a dead letter after its attempts; what is away, or unknown, is no attempt."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import aio_pika
import orjson
import pytest
from prometheus_client import REGISTRY

from deploy.local.servers import Servers
from shared.bus import depths
from shared.bus.events import ATTEMPTS as ATTEMPTS_HEADER
from shared.bus.events import attempts, deliveries
from shared.contract.events import Event
from shared.contract.faults import Away
from tests.integration.bus_rig import eventually
from tests.integration.subscriber_rig import Rig, event, subscriber_rig

POISON = 500


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    async with subscriber_rig(servers.rabbitmq.url) as rig:
        yield rig


class Consumer:
    """Handles events, but for the poisonous one; keeps when it met which."""

    def __init__(self, poison: int | None = None) -> None:
        self.poison = poison
        self.handled: Counter[int] = Counter()
        self.met_at: list[float] = []
        self.away = False
        self.asked = 0

    async def __call__(self, events: Sequence[Event]) -> Sequence[Event]:
        self.asked += 1
        if self.away:
            raise Away("a test")
        if self.poison in [each.message_id for each in events]:
            if len(events) == 1:
                self.met_at.append(time.monotonic())
            raise ZeroDivisionError
        self.handled.update(each.message_id for each in events)
        return ()

    async def probe(self) -> None:
        if self.away:
            raise Away("a test")


async def test_of_a_thousand_events_only_the_poisonous_one_is_a_dead_letter(rig: Rig) -> None:
    consumer = Consumer(POISON)
    await rig.publish([event(number) for number in range(1000)])
    async with rig.subscribed(consumer, consumer.probe):
        await rig.until_ready(rig.queue.dead, 1)
    assert consumer.handled == Counter(number for number in range(1000) if number != POISON)
    assert len(consumer.met_at) == 5
    gaps = [later - earlier for earlier, later in zip(consumer.met_at, consumer.met_at[1:], strict=False)]
    # 20, 80, 320 and 1,280 ms.
    assert all(gap >= 0.02 * 4**nth for nth, gap in enumerate(gaps))
    # The broker counts what it hands on until the next queue has confirmed it.
    for name in rig.queue.arguments:
        await rig.until_ready(name, int(name == rig.queue.dead))


async def test_what_is_away_is_no_attempt(rig: Rig) -> None:
    consumer = Consumer()
    consumer.away = True
    await rig.publish([event(number) for number in range(10)])
    async with rig.subscribed(consumer, consumer.probe):
        await asyncio.sleep(3)
        assert [await rig.ready(name) for name in rig.queue.arguments] == [0, 0, 0, 0, 0, 1]
        consumer.away = False
        await eventually(lambda: len(consumer.handled) == 10)
    assert consumer.handled == Counter(range(10))


async def test_a_probe_that_fails_in_another_way_ends_no_consumer(rig: Rig) -> None:
    consumer = Consumer()
    consumer.away = True
    probes: list[None] = []

    async def probe() -> None:
        probes.append(None)
        if len(probes) == 1:
            raise ZeroDivisionError
        consumer.away = False

    await rig.publish([event(1)])
    async with rig.subscribed(consumer, probe):
        await eventually(lambda: len(consumer.handled) == 1)


async def test_what_is_no_batch_is_a_dead_letter(rig: Rig) -> None:
    consumer = Consumer()
    await rig.publish([])
    await rig.publish_messages([aio_pika.Message(b"no batch"), aio_pika.Message(b'{"version": 1}')])
    async with rig.subscribed(consumer, consumer.probe):
        await rig.until_ready(rig.queue.dead, 2)


async def test_what_is_put_off_comes_again_and_is_no_attempt(rig: Rig) -> None:
    turns: Counter[int] = Counter()

    async def handler(events: Sequence[Event]) -> Sequence[Event]:
        turns.update(each.message_id for each in events)
        return [each for each in events if each.message_id == 3 and turns[3] < 8]

    consumer = Consumer()
    await rig.publish([event(number) for number in range(5)])
    async with rig.subscribed(handler, consumer.probe):
        await eventually(lambda: turns[3] == 8)
    assert turns == Counter({0: 1, 1: 1, 2: 1, 3: 8, 4: 1})
    assert await rig.ready(rig.queue.dead) == 0


async def test_what_this_code_does_not_know_waits(rig: Rig) -> None:
    consumer = Consumer()
    strange = aio_pika.Message(orjson.dumps({"version": 2, "events": []}), headers={ATTEMPTS_HEADER: 0})
    await rig.publish([event(1), event(2, fact=99), event(3)])
    await rig.publish_messages([strange])
    async with rig.subscribed(consumer, consumer.probe, retry_seconds=100):
        await eventually(lambda: len(consumer.handled) == 2)
        await rig.until_ready(rig.queue.retries[-1], 2)
    assert consumer.handled == Counter([1, 3])
    assert await rig.ready(rig.queue.dead) == 0


async def test_consumers_that_die_make_no_dead_letters(rig: Rig) -> None:
    await rig.publish([event(number) for number in range(10)])
    for _ in range(25):
        async with await aio_pika.connect(rig.amqp_url) as connection:
            channel = await connection.channel()
            await (await channel.get_queue(rig.queue.name)).get()
    consumer = Consumer()
    async with rig.subscribed(consumer, consumer.probe):
        await eventually(lambda: len(consumer.handled) == 10)
    assert await rig.ready(rig.queue.dead) == 0


async def test_however_long_it_is_away_nothing_becomes_a_dead_letter(rig: Rig) -> None:
    await rig.publish([event(1)])
    async with await aio_pika.connect(rig.amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(rig.queue.name)
        for _ in range(150):
            await (await queue.get()).reject(requeue=True)
    consumer = Consumer()
    consumer.away = True
    async with rig.subscribed(consumer, consumer.probe):
        await eventually(lambda: consumer.asked > 0)
    async with await aio_pika.connect(rig.amqp_url) as connection:
        message = await (await (await connection.channel()).get_queue(rig.queue.name)).get()
        # It came back to the consumer that was about to pause.
        assert deliveries(message) < 10
        assert attempts(message) == 0


async def test_what_waits_and_what_is_dead_is_measured(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depths, "_LOOK_SECONDS", 0.1)

    def measured(name: str, queue: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"queue": queue})

    consumer = Consumer(poison=2)
    await rig.publish([event(2)])
    await rig.publish([event(2)])
    async with rig.subscribed(consumer, consumer.probe, retry_seconds=0.01):
        await rig.until_ready(rig.queue.dead, 2)
        await eventually(lambda: measured("usermessage_event_queue_messages", rig.queue.dead) == 2)
        assert measured("usermessage_event_queue_messages", rig.queue.name) == 0
    assert measured("usermessage_dead_letters_total", rig.queue.name) == 2
    # What nobody looks at any more is not told as it was.
    assert measured("usermessage_event_queue_messages", rig.queue.dead) is None
