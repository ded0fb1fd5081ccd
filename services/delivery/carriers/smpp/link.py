"""A link: it holds a slot of the carrier, is bound while it can be, and submits part after part."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any

from services.delivery.carriers.carrier import Accepted, Late, NotSent, Outcome, Refusal, Refused, Unknown
from services.delivery.carriers.place import Lease, Leases
from services.delivery.carriers.smpp import measures, pdus, receipts, statuses
from services.delivery.carriers.smpp.backoff import Backoff, is_of_account
from services.delivery.carriers.smpp.connecting import NotBound, bound
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.carriers.smpp.pace import Pace
from services.delivery.carriers.smpp.pending import NoAnswer
from services.delivery.carriers.smpp.session import Hears, NotWritten, Session

logger = logging.getLogger(__name__)

# How often to look whether a slot is free.
_SLOT_SECONDS = 2.0
_BUG_SECONDS = 5.0
# A nack of these may be of an answer of ours that had the same number: numbers of both sides begin at 1.
_NO_REQUEST = (pdus.INVALID_LENGTH, pdus.INVALID_COMMAND)
# After so many links in a row that could not be made others may try theirs, who look for a slot meanwhile.
_MOST_FAILED = 3
_OTHERS_SECONDS = 3 * _SLOT_SECONDS
# A full phone may have room again after this.
_FULL_SECONDS = 10.0


# Makes the PDU of a part, when it leaves.
Part = Callable[[], bytes]
TOO_LATE = Refused(Refusal.LATER, "its turn came too late")


class Link:
    """One bind, transceiver or pair; there as soon as it is started and until it is closed."""

    def __init__(self, name: str, options: SmppOptions, hears: Hears, leases: Leases) -> None:
        self.under_way = 0
        self._name = name
        self._options = options
        self._hears = hears
        self._leases = leases
        self._pace = Pace(options.rate)
        self._window = asyncio.Semaphore(options.window)
        self._session: Session | None = None
        self._lease: Lease | None = None
        self._backoff = Backoff()
        self._failed = 0
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether parts can leave."""
        return self._usable() is not None and not self._pace.rest

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Take nothing more, get the answers that are still to come, unbind, and give the slot back."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def submit(self, part: Part, until: float) -> Outcome:
        """Submit the PDU of a part when it is its turn, which must come before that time of the loop."""
        self.under_way += 1
        try:
            if not await self._has_room(until):
                return TOO_LATE
            try:
                return await self._answered(part) if await self._pace.turn(until) else TOO_LATE
            finally:
                self._window.release()
        finally:
            self.under_way -= 1

    async def _has_room(self, until: float) -> bool:
        """Wait for room in the window, which is then to be released; return whether there is some in time."""
        try:
            async with asyncio.timeout_at(None if until == math.inf else until):
                return await self._window.acquire()
        except TimeoutError:
            return False

    async def _answered(self, part: Part) -> Outcome:
        session = self._usable()
        if session is None:
            return NotSent("the link is closed")
        if self._pace.rest:
            return Refused(Refusal.LATER, "the link rests", self._pace.rest)
        try:
            answer = await session.ask(part())
        except NotWritten as error:
            return NotSent(str(error))
        except NoAnswer as error:
            return Unknown(str(error), late=self._late(error.late) if error.late else None)
        return self._outcome(answer)

    def _late(self, answer: "asyncio.Future[pdus.Pdu | None]") -> Late:
        async def outcome() -> Outcome:
            pdu = await answer
            return self._outcome(pdu) if pdu else Unknown("the link ended")

        return outcome

    def _usable(self) -> Session | None:
        """Return the session over which parts can leave: of a slot that is over others may have one already."""
        if self._session is None or self._lease is None or self._lease.is_over:
            return None
        return self._session if self._session.is_taking else None

    def _outcome(self, answer: pdus.Pdu) -> Outcome:
        is_nack = answer.command == pdus.GENERIC_NACK
        if answer.status == pdus.OK and not is_nack:
            self._pace.accepted()
            return Accepted((receipts.answer_id(answer.text, self._options.receipt_ids),) if answer.text else ())
        reason = statuses.shown(answer.status)
        kind = statuses.verdict(answer.status, self._options.statuses)
        if kind == "unknown" or answer.status == pdus.OK or (is_nack and answer.status in _NO_REQUEST):
            return Unknown(reason)
        if answer.status == statuses.THROTTLED:
            return Refused(kind, reason, self._pace.throttled())
        return Refused(kind, reason, _FULL_SECONDS if answer.status == statuses.QUEUE_FULL else None)

    async def _run(self) -> None:
        while not self._closing.is_set():
            try:
                await self._once()
            except Exception:
                logger.exception("link failed", extra={"carrier": self._name})
                await self._until(_BUG_SECONDS)

    async def _once(self) -> None:
        """Hold a slot for as long as possible, or wait for one."""
        lease = await self._leases.hold(self._name, self._options.binds)
        if lease is None:
            await self._until(_SLOT_SECONDS)
            return
        self._lease = lease
        try:
            wait = await self._held(lease)
        finally:
            self._lease = None
            await lease.release()
        await self._until(wait)

    async def _held(self, lease: Lease) -> float:
        """Be bound while the slot is held and the carrier lets us; return the seconds after which to hold one again."""
        self._failed = 0
        while True:
            wait = await self._linked(lease)
            if self._failed >= _MOST_FAILED:
                return max(wait, _OTHERS_SECONDS)
            await self._until(wait, lease.lost)
            if self._closing.is_set() or lease.lost.is_set():
                return 0.0

    async def _linked(self, lease: Lease) -> float:
        """Be bound; return the seconds after which to try again."""
        try:
            sessions = await self._connected(lease)
        except NotBound as error:
            self._tell(error)
            self._failed += 1
            return self._backoff.after(status=error.status)
        if sessions is None:
            return 0.0
        self._failed = 0
        since = time.monotonic()
        measures.bound(self._name, 1)
        logger.info("link is bound", extra={"carrier": self._name, "slot": lease.slot})
        self._session = sessions[0]
        try:
            await self._until(None, lease.lost, *(each.ended for each in sessions))
        finally:
            self._session = None
            measures.bound(self._name, -1)
            await self._end(sessions, lease)
        return self._backoff.after(lasted=time.monotonic() - since)

    async def _connected(self, lease: Lease) -> list[Session] | None:
        """Return sessions that are bound, none where there is no time to wait for them; raise `NotBound`."""
        connecting = asyncio.create_task(bound(self._name, self._options, self._hears))
        await self._until(None, lease.lost, waiting=connecting)
        if connecting.done():
            return await connecting
        connecting.cancel()
        await asyncio.wait([connecting])
        return None

    async def _end(self, sessions: list[Session], lease: Lease) -> None:
        await self._unbound([each for each in sessions if not each.ended.is_set()], lease)
        why = next((each.why for each in sessions if each.why), "")
        measures.lost(self._name, why)
        logger.log(
            logging.INFO if self._closing.is_set() else logging.WARNING,
            "link ended", extra={"carrier": self._name, "reason": why},
        )  # fmt: skip

    async def _unbound(self, sessions: list[Session], lease: Lease) -> None:
        """Unbind before others may have the slot; its three steps share what is left of one that is lost."""
        is_lost = lease.lost.is_set()
        seconds = lease.unbind_seconds / 3 if is_lost else self._options.answer_seconds
        leaving: asyncio.Future[Any] = asyncio.gather(*(each.unbind(seconds) for each in sessions))
        if not is_lost:
            lost: asyncio.Future[Any] = asyncio.ensure_future(lease.lost.wait())
            await asyncio.wait([leaving, lost], return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
            if not leaving.done():
                for each in sessions:
                    each.close("slot lost")
        await leaving

    def _tell(self, error: NotBound) -> None:
        measures.lost(self._name, "not bound")
        level = logging.ERROR if is_of_account(error.status) else logging.WARNING
        logger.log(level, "link not bound", extra={"carrier": self._name, "reason": str(error)})

    async def _until(
        self, seconds: float | None, *events: asyncio.Event, waiting: asyncio.Task[Any] | None = None
    ) -> None:
        """Wait for so long, or until one of the events, the end of what is `waiting`, or our own end."""
        waits = [asyncio.ensure_future(each.wait()) for each in (self._closing, *events)]
        try:
            await asyncio.wait(
                [*waits, *([waiting] if waiting else [])], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for each in waits:
                each.cancel()
