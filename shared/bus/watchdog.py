"""The watchdog: notices a consumer to which the broker delivers nothing although messages are ready.

At three looks 10 s apart the queue has ready messages, fewer are unacknowledged than the prefetch allows, and nothing
was delivered between: the session is given up. The second time the process ends, for a supervisor to start it anew.
"""

import asyncio
import logging
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel

from shared.bus.depths import look
from shared.bus.link import LinkLost, Session, broker_await

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
_LOOKS = 3
_EXIT_CODE = 70


@dataclass(slots=True)
class Deliveries:
    """What one consumer has seen: messages delivered so far, and those of them not acknowledged yet.

    While it is `paused` it does not consume.
    """

    queue: str
    prefetch: int
    delivered: int = 0
    unacknowledged: int = 0
    paused: bool = False


class Watchdog:
    """Watches the consumers of a process over all its sessions."""

    def __init__(self, seconds: float = LOOK_SECONDS) -> None:
        self._seconds = seconds
        self._barked = False

    async def watch(self, session: Session, channel: AbstractChannel, consumers: list[Deliveries]) -> None:
        """Look until the session is lost; raises `SystemExit` when giving up a session has not helped."""
        stalled = dict.fromkeys((each.queue for each in consumers), 0)
        while not session.lost.is_set():
            seen = [each.delivered for each in consumers]
            await asyncio.sleep(self._seconds)
            for each, before in zip(consumers, seen, strict=True):
                try:
                    ready = await _ready_messages(channel, each.queue)
                except LinkLost:
                    session.lost.set()
                    return
                open_ = not each.paused and each.unacknowledged < each.prefetch
                idle = ready > 0 and each.delivered == before and open_
                stalled[each.queue] = stalled[each.queue] + 1 if idle else 0
                if stalled[each.queue] >= _LOOKS:
                    self._bark(session, each.queue)
                    return

    def _bark(self, session: Session, queue: str) -> None:
        logger.error("nothing is delivered although messages are ready", extra={"queue": queue})
        if self._barked:
            raise SystemExit(_EXIT_CODE)
        self._barked = True
        session.lost.set()


async def _ready_messages(channel: AbstractChannel, queue: str) -> int:
    async with broker_await():
        found = await look(channel, queue)
    return found.messages or 0
