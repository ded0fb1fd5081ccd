"""A queue that other code made with other arguments is told once, and all goes on when it is gone."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest

from deploy.local.servers import Servers
from shared.bus import link
from shared.bus.link import Link, Session
from shared.bus.subscriber import Subscriber
from tests.integration.bus_rig import eventually
from tests.integration.subscriber_rig import subscriber_rig
from tests.integration.test_subscriber import Consumer


async def test_it_is_told_once(
    servers: Servers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_REFUSED_SECONDS", 0.1)
    consumer = Consumer()
    async with subscriber_rig(servers.rabbitmq.url) as rig, await aio_pika.connect(rig.amqp_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(rig.queue.dead, durable=True, arguments={"x-queue-type": "quorum"})
        subscriber = Subscriber(rig.queue, consumer, consumer.probe, slots=1, retry_seconds=1)
        tries = 0

        @asynccontextmanager
        async def consuming(session: Session) -> AsyncIterator[None]:
            nonlocal tries
            tries += 1
            async with subscriber.consuming(session):
                yield

        with caplog.at_level(logging.WARNING):
            async with Link(rig.amqp_url, "test", [consuming]) as refused:
                await eventually(lambda: tries > 3)
                assert not refused.up.is_set()
                assert rig.queue.dead in str(refused.problem)
                await channel.queue_delete(rig.queue.dead)
                await eventually(refused.up.is_set)
                assert refused.problem is None
    (told,) = [record for record in caplog.records if record.name == link.__name__]
    assert (told.levelname, told.message) == ("ERROR", "a queue has other arguments than this code's")
