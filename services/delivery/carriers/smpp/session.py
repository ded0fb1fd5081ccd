"""A session: one connection to a carrier, on which both sides ask and answer."""

import asyncio
import contextlib
import logging
import traceback
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from services.delivery.carriers.smpp import measures, pdus
from services.delivery.carriers.smpp.frames import Frames, LostTrack
from services.delivery.carriers.smpp.pdus import Pdu
from services.delivery.carriers.smpp.pending import NoAnswer, Pending

logger = logging.getLogger(__name__)

# What a carrier brings and we are still keeping; beyond that it may bring it again later. Reading goes on, since
# answers come over the same link.
_MOST_ARRIVALS = 500
# So many requests of a kind in a row without an answer, and the peer is taken for dead.
_MOST_UNANSWERED = 5
_CLOSE_SECONDS = 1.0


class NotWritten(Exception):  # noqa: N818 - it is what happened
    """Nothing of the request left this process."""


class Timers(NamedTuple):
    """Seconds: of silence before the peer is asked whether it is there, and for its answers."""

    enquire: float
    answer: float


class Session(asyncio.Protocol):
    """Asks with sequence numbers; `hears` keeps what the peer brings and returns the status of the answer."""

    def __init__(self, carrier: str, timers: Timers, hears: "Hears") -> None:
        self.name = uuid.uuid4().hex
        self.ended = asyncio.Event()
        self.is_taking = True
        self.why = ""
        self._carrier = carrier
        self._timers = timers
        self._hears = hears
        self._frames = Frames()
        self._pending = Pending()
        self._unanswered: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None
        self._is_blocked = False
        self._out: list[bytes] = []
        self._heard_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether something that the peer brought is still to be answered."""
        return bool(self._arriving)

    async def ask(self, request: bytes) -> Pdu:
        """Write a request with a number of its own, and return its answer; raise `NotWritten` or `NoAnswer`."""
        if self._transport is None or self._transport.is_closing():
            raise NotWritten("the link is closed")
        sequence, answer = self._pending.add(request)
        try:
            self._write(pdus.numbered(request, sequence))
            async with asyncio.timeout(self._timers.answer):
                return await answer
        except TimeoutError:
            self._count_unanswered(pdus.pdu(request).command)
            raise NoAnswer("no answer in time", self._pending.late(sequence)) from None
        finally:
            self._pending.forget(sequence)

    async def unbind(self, seconds: float) -> None:
        """Take nothing more, wait for the answers so long at most, say good-bye, as long at most, and close."""
        self.is_taking = False
        await self._finished(seconds)
        with contextlib.suppress(NotWritten, NoAnswer, TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ask(pdus.request(pdus.UNBIND))
        self.close("unbound", seconds)

    def close(self, why: str, seconds: float = _CLOSE_SECONDS) -> None:
        """Close at once; what waits for an answer gets none."""
        self.is_taking = False
        self.why = self.why or why
        if self._transport is not None and not self._transport.is_closing():
            self._flush()
            self._transport.close()
            # What a peer that reads nothing will never take would keep it open.
            asyncio.get_running_loop().call_later(min(seconds, _CLOSE_SECONDS), self._transport.abort)

    def watch(self) -> None:
        """From now on ask a silent peer whether it is there, and drop one that is not."""
        self._start(self._watch())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of TCP
        self._transport = transport
        self._heard_at = asyncio.get_running_loop().time()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_taking = False
        self.why = self.why or (type(exc).__name__ if exc else "closed by the peer")
        self._pending.fail("the link broke")
        for task in self._tasks:
            task.cancel()
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        try:
            for octets in self._frames.cut(data):
                self._heard_at = asyncio.get_running_loop().time()
                self._receive(octets)
        except LostTrack:
            # Where the next one begins can only be guessed.
            measures.strange(self._carrier)
            self._write(pdus.nack(pdus.INVALID_LENGTH, 0))
            self.close("lost track")

    def pause_writing(self) -> None:
        # A peer that reads no answers gets to ask nothing.
        self._is_blocked = True
        self._breathe()

    def resume_writing(self) -> None:
        self._is_blocked = False
        self._breathe()

    def _receive(self, octets: bytes) -> None:
        pdu = pdus.pdu(octets)
        if pdu.is_answer:
            self._settle(pdu)
        elif pdu.is_cut:
            self._refuse(pdu, pdus.INVALID_LENGTH)
        elif pdu.command == pdus.DELIVER:
            self._arrive(pdu)
        elif pdu.command == pdus.ENQUIRE_LINK:
            self._write(pdus.answer(pdu))
        elif pdu.command == pdus.UNBIND:
            self._start(self._leave(pdu))
        else:
            self._refuse(pdu, pdus.INVALID_COMMAND)

    def _arrive(self, pdu: Pdu) -> None:
        if len(self._arriving) >= _MOST_ARRIVALS:
            self._write(pdus.answer(pdu, pdus.SYSTEM_ERROR))
            return
        task = self._start(self._deliver(pdu))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    def _settle(self, pdu: Pdu) -> None:
        if not self._pending.is_awaited(pdu):
            measures.late(self._carrier)
            self._pending.settle_late(pdu)
            return
        command = self._pending.settle(pdu)
        if command is None:
            measures.strange(self._carrier)
        else:
            self._unanswered.pop(command, None)

    def _refuse(self, pdu: Pdu, status: int) -> None:
        measures.strange(self._carrier)
        self._write(pdus.nack(status, pdu.sequence))

    async def _deliver(self, pdu: Pdu) -> None:
        try:
            status = await self._hears(pdu, self)
        except Exception as error:  # noqa: BLE001 - a bug of ours
            # Its own words may hold a number or a text.
            logger.error("what a carrier brought was not kept", extra={"carrier": self._carrier} | _place(error))  # noqa: TRY400
            status = pdus.SYSTEM_ERROR
        self._write(pdus.answer(pdu, status))

    async def _leave(self, asked: Pdu) -> None:
        """End it as the peer wants: take nothing new, wait for the answers that are still to come, then good-bye."""
        self.is_taking = False
        await self._finished(self._timers.answer)
        self._write(pdus.answer(asked))
        self.close("unbound by the peer")

    async def _finished(self, seconds: float) -> None:
        """Wait so long at most for the answers that are still to come, and until what came is kept and answered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._pending.drained(seconds)
                if self._arriving:
                    await asyncio.wait([*self._arriving])

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wait = self._heard_at + self._timers.enquire - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            try:
                await self.ask(pdus.request(pdus.ENQUIRE_LINK))
            except NotWritten:
                return
            except NoAnswer:
                self._abort("silent")
                return

    def _count_unanswered(self, command: int) -> None:
        measures.unanswered(self._carrier)
        self._unanswered[command] += 1
        if self._unanswered[command] >= _MOST_UNANSWERED:
            self._abort("no answers")

    def _abort(self, why: str) -> None:
        """Drop the connection: a peer that reads nothing would keep it open."""
        self.is_taking = False
        self.why = self.why or why
        if self._transport is not None:
            self._transport.abort()

    def _write(self, octets: bytes) -> None:
        """Write, together with what else is written in this turn of the loop."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(octets)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def _start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _breathe(self) -> None:
        """Read, or not, by whether what we write is read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._is_blocked:
            transport.pause_reading()
        else:
            transport.resume_reading()


def _place(error: Exception) -> dict[str, str]:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return {"reason": type(error).__name__, "place": f"{frame.filename}:{frame.lineno}"}


# Keeps what the peer of a session brings, and returns the status of the answer.
Hears = Callable[[Pdu, Session], Awaitable[int]]
