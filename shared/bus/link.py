"""A link: one RabbitMQ connection that comes back by itself.

Plain `connect` and a loop of our own: with a frozen broker the client's robust connection hung for 35 s. Every await
on the broker has a timeout, and a `CancelledError` that nobody asked for is a lost connection.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelPreconditionFailed
from pamqp.exceptions import PAMQPException

from shared.metrics import process
from shared.tls import refusal

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5
BROKER_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
_BACKOFF_FIRST, _BACKOFF_LAST = 0.1, 2.0
# A person has to delete the queue, or to bring back the code that made it.
_REFUSED_SECONDS = 10.0
# What the broker says then; an unknown delivery tag has the same code.
_OTHER_ARGUMENTS = "inequivalent arg"


@dataclass(frozen=True, slots=True)
class Session:
    """One connection while it lasts; whoever finds it dead sets `lost`, and the link starts again."""

    connection: AbstractConnection
    lost: asyncio.Event


Opener = Callable[[Session], AbstractAsyncContextManager[None]]


class LinkLost(Exception):  # noqa: N818 - it is what happened
    """The connection to the broker is away, or did not answer in time."""


class QueueRefused(LinkLost):
    """The broker has a queue of this name with other arguments, and will as long as somebody does not delete it."""


@asynccontextmanager
async def broker_await(seconds: float = BROKER_SECONDS) -> AsyncIterator[None]:
    """Bound an await on the broker by a timeout; every way in which a connection can be lost raises `LinkLost`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise LinkLost("cancelled by the client library") from None
    except (AMQPError, RuntimeError, PAMQPException, OSError, TimeoutError) as error:
        refused = isinstance(error, ChannelPreconditionFailed) and _OTHER_ARGUMENTS in str(error)
        raise (QueueRefused if refused else LinkLost)(f"{type(error).__name__}: {error}") from error


@asynccontextmanager
async def open_channel(session: Session, *, confirms: bool) -> AsyncIterator[AbstractChannel]:
    """Open a channel; when it closes, whatever the reason, the whole session is lost."""
    async with broker_await():
        channel = session.connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        await channel.initialize()
    channel.close_callbacks.add(lambda *_: session.lost.set())
    yield channel


async def connect(url: str, name: str) -> Session:
    """Connect, as a connection of this name to those who look at the broker."""
    async with broker_await():
        connection = await aio_pika.connect(
            url, heartbeat=HEARTBEAT_SECONDS, client_properties={"connection_name": name}
        )
    session = Session(connection, asyncio.Event())
    connection.close_callbacks.add(lambda *_: session.lost.set())
    return session


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[Session]:
    """Connect for one piece of work, and close the connection at its end."""
    session = await connect(url, name)
    try:
        yield session
    finally:
        async with broker_await():
            await session.connection.close()


class Link:
    """Keeps one connection: connect, open everything, wait for the loss, close everything, back off, again.

    Each opener is entered with every new connection, in their order, and left when the connection is lost.
    """

    def __init__(self, url: str, name: str, openers: Sequence[Opener]) -> None:
        self._url = url
        self._name = name
        self._openers = openers
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up = asyncio.Event()
        self.was_up = asyncio.Event()
        self.refused: str | None = None
        process.link(name, self.up.is_set)
        self._away = "the broker is away"

    @property
    def problem(self) -> str | None:
        """Say what is wrong, or nothing while it is up."""
        return None if self.up.is_set() else self.refused or self._away

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"link {self._name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        delay = _BACKOFF_FIRST
        while not self._stopping.is_set():
            least = 0.0
            try:
                await self._serve()
            except QueueRefused as refused:
                self._note(str(refused))
                least = _REFUSED_SECONDS
            except LinkLost as lost:
                unknown = refusal(lost)
                self._away = f"the broker is away: {unknown}" if unknown else "the broker is away"
                logger.warning("link away", extra={"link": self._name, "reason": unknown or str(lost)})
            except Exception:
                # A bug, but a link that gave up would leave a process that looks well and serves nobody.
                logger.exception("link failed", extra={"link": self._name})
            delay = _BACKOFF_FIRST if self.up.is_set() else min(delay * 2, _BACKOFF_LAST)
            self.up.clear()
            await self._pause(max(least, delay) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    async def _serve(self) -> None:
        session = await connect(self._url, self._name)
        try:
            async with AsyncExitStack() as opened:
                for opener in self._openers:
                    await opened.enter_async_context(opener(session))
                self.refused = None
                self.up.set()
                self.was_up.set()
                logger.info("link up", extra={"link": self._name})
                await first_of(session.lost, self._stopping)
        finally:
            await self._close(session.connection)
        if not self._stopping.is_set():
            raise LinkLost("connection closed")

    def _note(self, refused: str) -> None:
        """Log that a queue is refused, once for as long as it is."""
        if refused != self.refused:
            logger.error("a queue has other arguments than this code's", extra={"link": self._name, "reason": refused})
        self.refused = refused

    async def _close(self, connection: AbstractConnection) -> None:
        try:
            async with broker_await(_CLOSE_SECONDS):
                await connection.close()
        except LinkLost as lost:
            logger.debug("closed a dead connection", extra={"link": self._name, "reason": str(lost)})

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
