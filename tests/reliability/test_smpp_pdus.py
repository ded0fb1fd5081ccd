"""PDUs that no carrier should send: they cost neither the link, nor time, nor memory."""

import asyncio
import random
import struct
import time
import tracemalloc

import pytest

from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.expected import Expected
from services.delivery.carriers.smpp.inbound import Hearing
from services.delivery.carriers.smpp.session import Session, Timers
from tests.reliability.settings import MUTATED_PDUS, SEED
from tests.unit.carrier_place import Unheard, place
from tests.unit.smpp_peer import deliver
from tests.unit.smpp_scene import Kept, options

_GROUP = 500
# Measured: 0.16 ms with the memory watched, and 2 MB for ids of 10,000 messages, which is where they end.
_MOST_MS_EACH = 2.0
_MOST_GROWTH = 8_000_000
_LENGTH = slice(0, 4)
_WHOLE = (
    deliver(b"hello"),
    deliver(b"\5\0\3\7\2\1hel", esm_class=0x40),
    deliver("漢😀".encode("utf-16-be"), coding=8),
    deliver(b"id:17 sub:001 done date:2601011200 stat:DELIVRD err:000 text:a", esm_class=4, t001e=b"17\0", t0427=b"\2"),
    deliver(b"", t0424=b"payload" * 20, t020c=b"\0\1", t020e=b"\2", t020f=b"\1"),
    pdus.request(pdus.ENQUIRE_LINK, 3),
    pdus.request(0x103, 3, b"data\0sm"),
    pdus.nack(3, 1),
    struct.pack(">IIII", 20, 0x80000004, 0, 1) + b"id1\0",
)


class _Transport(asyncio.Transport):
    """Keeps what is written, until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


class _Forgetful(Kept):
    """Keeps how many things arrived, and nothing of them."""

    count = 0

    async def _keep(self, _: object) -> None:
        self.count += 1


def _mutated(dice: random.Random) -> bytes:
    """Return a PDU with some octets changed, put in or left out, whose length is right."""
    octets = bytearray(dice.choice(_WHOLE))
    for _ in range(dice.choice((0, 1, 1, 2, 5, 20))):
        place = dice.randrange(4, len(octets) + 1)
        what = dice.randrange(3)
        if what == 0:
            octets[place : place + 1] = dice.randbytes(1)
        elif what == 1:
            octets[place:place] = dice.randbytes(dice.choice((1, 3, 300)))
        elif len(octets) > pdus.HEAD_OCTETS:
            del octets[max(place, pdus.HEAD_OCTETS) : place + dice.choice((1, 4, 40))]
    octets += bytes(max(0, pdus.HEAD_OCTETS - len(octets)))
    octets[_LENGTH] = len(octets).to_bytes(4, "big")
    if octets[4:8] == pdus.UNBIND.to_bytes(4, "big"):
        octets[7] = pdus.DELIVER
    return bytes(octets)


class _Deaf(Unheard):
    """Keeps nothing of what it is told."""

    def _tell(self, *_: str) -> None:
        return


def _session(kept: Kept) -> tuple[Session, _Transport]:
    where = place()._replace(arrivals=kept, heard=_Deaf())
    session = Session("one", Timers(30, 10), Hearing("one", options(1), where, Expected()).hear)
    transport = _Transport()
    session.connection_made(transport)
    return session, transport


async def _idle(session: Session) -> None:
    async with asyncio.timeout(10):
        while session.busy:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


@pytest.mark.parametrize("piece", [None, 7])
async def test_mutated_pdus(piece: int | None) -> None:
    """Ask between them whether we are there, in pieces of any size."""
    dice = random.Random(SEED)
    kept = _Forgetful()
    session, transport = _session(kept)
    asking = pdus.request(pdus.ENQUIRE_LINK, 0x0FEEDBEE)
    here = pdus.answer(pdus.pdu(asking))
    rounds = MUTATED_PDUS // _GROUP // (1 if piece is None else 10) or 1
    tracemalloc.start()
    try:
        before = 0
        begun = time.process_time()
        for nth in range(rounds):
            stream = b"".join(_mutated(dice) for _ in range(_GROUP)) + asking
            for start in range(0, len(stream), piece or len(stream)):
                session.data_received(stream[start : start + (piece or len(stream))])
            await _idle(session)
            await asyncio.sleep(0)
            assert not transport.is_closed
            assert transport.written.count(here) == 1
            transport.written.clear()
            before = before or (tracemalloc.get_traced_memory()[0] if nth >= rounds // 4 else 0)
        grown = tracemalloc.get_traced_memory()[0] - before
        each = 1000 * (time.process_time() - begun) / (rounds * _GROUP)
    finally:
        tracemalloc.stop()
    print(f"mutated PDUs: {rounds * _GROUP}, kept {kept.count}, {each:.3f} ms each, {grown} octets grown")
    assert kept.count > rounds * _GROUP // 10
    assert each < _MOST_MS_EACH
    assert grown < _MOST_GROWTH


async def test_lengths_of_any_kind() -> None:
    """A length that makes no sense costs the link, and nothing else."""
    dice = random.Random(SEED)
    kept = _Forgetful()
    session, transport = _session(kept)
    dropped = 0
    for _ in range(max(1000, MUTATED_PDUS // 10)):
        octets = bytearray(_mutated(dice))
        if dice.random() < 0.2:
            octets[_LENGTH] = dice.choice((dice.randbytes(4), dice.randrange(16).to_bytes(4, "big")))
        session.data_received(bytes(octets))
        transport.written.clear()
        if transport.is_closed:
            dropped += 1
            session.connection_lost(None)
            session, transport = _session(kept)
    await _idle(session)
    assert dropped > 50


async def test_noise() -> None:
    dice = random.Random(SEED)
    for _ in range(max(200, MUTATED_PDUS // 100)):
        session, transport = _session(_Forgetful())
        for _ in range(20):
            if not transport.is_closed:
                session.data_received(dice.randbytes(dice.randrange(1, 400)))
        session.connection_lost(None)
        await _idle(session)
