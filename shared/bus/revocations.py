"""Revocations: a word to every gateway that what it remembers of an account or an application no longer holds."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aio_pika
import orjson
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.link import Session, broker_await, connected, open_channel
from shared.bus.topology import declare_private, declare_revocations

logger = logging.getLogger(__name__)

OnRevoked = Callable[[int | None, int | None], None]


async def publish_revocation(
    amqp_url: str, *, account_id: int | None = None, application_id: int | None = None
) -> None:
    """Tell every gateway to forget an account or an application; raises `LinkLost` where the broker is away."""
    body = orjson.dumps({"account_id": account_id, "application_id": application_id})
    async with connected(amqp_url, "revocation") as session, open_channel(session, confirms=True) as channel:
        exchange = await declare_revocations(channel)
        async with broker_await():
            await exchange.publish(aio_pika.Message(body), "", mandatory=False)


class RevocationListener:
    """Hears revocations: `on_revoked(account_id, application_id)` for each, `on_gap` when some may be lost."""

    def __init__(self, on_revoked: OnRevoked, on_open: Callable[[], None], on_gap: Callable[[], None]) -> None:
        self._on_revoked = on_revoked
        self._on_open = on_open
        self._on_gap = on_gap

    @asynccontextmanager
    async def listening(self, session: Session) -> AsyncIterator[None]:
        """Open a queue of this connection's own, bound to the revocations."""
        async with open_channel(session, confirms=False) as channel:
            queue = await declare_private(channel)
            exchange = await declare_revocations(channel)
            async with broker_await():
                await queue.bind(exchange)
                await queue.consume(self._hear, no_ack=True)
            self._on_open()
            try:
                yield
            finally:
                self._on_gap()

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        try:
            document = orjson.loads(message.body)
            self._on_revoked(document["account_id"], document["application_id"])
        except (ValueError, KeyError, TypeError):
            logger.exception("revocation not readable")
            self._on_gap()
            self._on_open()
