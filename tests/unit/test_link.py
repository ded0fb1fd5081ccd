"""A link goes on after whatever ended its session, a bug of ours too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aio_pika
import pytest

from shared.bus.link import Link, Session


class Connection:
    """A connection that does nothing."""

    def __init__(self) -> None:
        self.close_callbacks = SimpleNamespace(add=lambda _: None)

    async def close(self) -> None:
        return


async def test_a_link_outlives_an_opener_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: Any, **__: Any) -> Connection:
        return Connection()

    tries = 0

    @asynccontextmanager
    async def opener(_: Session) -> AsyncIterator[None]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ZeroDivisionError
        yield

    monkeypatch.setattr(aio_pika, "connect", connect)
    async with Link("amqp://nowhere", "test", [opener]) as link, asyncio.timeout(10):
        await link.up.wait()
    assert tries == 2
