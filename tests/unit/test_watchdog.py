"""The watchdog gives a session up only for a consumer that gets nothing although it could."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection

from shared.bus.link import Session
from shared.bus.watchdog import Deliveries, Watchdog


class Channel:
    """A channel on which the queue always has so many ready messages."""

    def __init__(self, ready: int) -> None:
        self._ready = ready

    async def declare_queue(self, _: str, *, passive: bool) -> Any:
        assert passive
        return SimpleNamespace(declaration_result=SimpleNamespace(message_count=self._ready, consumer_count=1))


def session() -> Session:
    return Session(cast("AbstractConnection", None), asyncio.Event())


async def watched(watchdog: Watchdog, consumer: Deliveries, ready: int, *, moving: bool = False) -> bool:
    """Return whether the session is given up within a fifth of a second."""
    one = session()
    watch = asyncio.create_task(watchdog.watch(one, cast("AbstractChannel", Channel(ready)), [consumer]))
    for _ in range(20):
        await asyncio.sleep(0.01)
        consumer.delivered += moving
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    return one.lost.is_set()


async def test_ready_messages_that_are_not_delivered_end_the_session() -> None:
    assert await watched(Watchdog(0.01), Deliveries("q", prefetch=4), ready=5)


@pytest.mark.parametrize(
    ("ready", "unacknowledged", "moving"),
    [(0, 0, False), (5, 4, False), (5, 0, True)],
    ids=["nothing ready", "prefetch full", "deliveries go on"],
)
async def test_a_healthy_consumer_is_left_alone(ready: int, unacknowledged: int, moving: bool) -> None:  # noqa: FBT001
    consumer = Deliveries("q", prefetch=4, unacknowledged=unacknowledged)
    assert not await watched(Watchdog(0.03 if moving else 0.01), consumer, ready, moving=moving)


async def test_the_second_time_the_process_ends() -> None:
    watchdog = Watchdog(0.01)
    assert await watched(watchdog, Deliveries("q", prefetch=4), ready=5)
    with pytest.raises(SystemExit):
        await watchdog.watch(session(), cast("AbstractChannel", Channel(5)), [Deliveries("q", prefetch=4)])
