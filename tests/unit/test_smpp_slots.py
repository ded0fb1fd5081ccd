"""Links leave by the slots that a worker has, and while what came is kept slowly or badly."""

import asyncio
import struct
import time

import pytest

from services.delivery.carriers.carrier import EXPIRED, Accepted, NotSent, Refusal, Refused, Unknown
from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.pdus import Pdu
from tests.free_leases import FreeLease, FreeLeases
from tests.unit.smpp_peer import Bound, SmppPeer, accept, answer, deliver, ignore, refuse
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open

DELIVER_ANSWER = 0x80000005


class Once(FreeLeases):
    """Gives one of these slots, and then no other."""

    def __init__(self, leases: FreeLeases) -> None:
        super().__init__()
        self.held: list[FreeLease] = []
        self._leases = leases

    async def hold(self, carrier: str, slots: int) -> FreeLease | None:
        lease = None if self.held else await self._leases.hold(carrier, slots)
        self.held += [lease] if lease else []
        return lease


async def test_who_has_no_slot_does_not_bind_and_who_loses_one_unbinds(peer: SmppPeer, kept: Kept) -> None:
    leases = FreeLeases()
    once = Once(leases)
    taken = await leases.hold("one", 1)
    assert taken is not None
    async with smpp_carrier(peer.port, kept, once) as carrier:
        await asyncio.sleep(0.2)
        assert (carrier.open, peer.binds) == (False, [])
        await taken.release()
        await until_open(carrier)
        once.held[0].lost.set()
        await until_open(carrier, is_open=False)
        await peer.bound[0].until(pdus.UNBIND)
        assert await carrier.submit(submission()) == NotSent("no link is open")
    assert await leases.hold("one", 1) is not None


async def test_who_loses_a_slot_while_it_connects_gives_up(kept: Kept) -> None:
    leases = FreeLeases()
    once = Once(leases)

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, smpp_carrier(server.sockets[0].getsockname()[1], kept, once, answer_seconds=20):
        async with asyncio.timeout(5):
            while not writers:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            once.held[0].lost.set()
            while await leases.hold("one", 1) is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        writers[0].close()


async def test_a_carrier_has_as_many_binds_as_it_allows(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, binds=2, window=5) as carrier:
        async with asyncio.timeout(5):
            while carrier.window < 10:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await asyncio.gather(*(carrier.submit(submission()) for _ in range(10)))
    assert len(peer.bound) == 2
    assert all(pdus.SUBMIT in [each.command for each in bound.got] for bound in peer.bound)


async def test_what_is_under_way_is_answered_before_it_closes(peer: SmppPeer, kept: Kept) -> None:
    asked: list[Pdu] = []

    async def later(_: Bound, pdu: Pdu) -> None:
        asked.append(pdu)

    peer.submitted = later
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        submitting = asyncio.create_task(carrier.submit(submission()))
        await peer.bound[0].until(pdus.SUBMIT)
        closing = asyncio.create_task(carrier.close())
        await asyncio.sleep(0.1)
        assert pdus.UNBIND not in [each.command for each in peer.bound[0].got]
        await peer.bound[0].send(answer(asked[0], 0, b"m1\0"))
        assert await submitting == Accepted(("m1",))
        await closing
        await peer.bound[0].until(pdus.UNBIND)


async def test_answers_are_read_while_what_came_is_kept_slowly(peer: SmppPeer, kept: Kept) -> None:
    kept.may.clear()
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].send(b"".join(deliver(b"text %d" % nth, nth) for nth in range(1, 701)))
        assert (await peer.bound[0].until(DELIVER_ANSWER, 200)).status == pdus.SYSTEM_ERROR
        assert await carrier.submit(submission()) == Accepted(("m1",))
        kept.may.set()
        await peer.bound[0].until(DELIVER_ANSWER, 700)
    assert len(kept.arrived) == 500


async def test_who_is_not_waited_for_any_more_goes_on_with_the_part_that_was_not_accepted(
    peer: SmppPeer, kept: Kept
) -> None:
    async def one(bound: Bound, pdu: Pdu) -> None:
        if len(peer.submits) == 1:
            await accept(bound, pdu)

    peer.submitted = one
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        long = submission("x" * 400)
        submitting = asyncio.create_task(carrier.submit(long))
        await peer.bound[0].until(pdus.SUBMIT, 2)
        submitting.cancel()
        await asyncio.wait([submitting])
        peer.submitted = accept
        assert await carrier.submit(long) == Accepted(("m1", "m3", "m4"))
    assert [each.short_message[5] for each in peer.submits] == [1, 2, 2, 3]


async def test_nothing_leaves_over_a_slot_that_is_over(peer: SmppPeer, kept: Kept) -> None:
    once = Once(FreeLeases())
    async with smpp_carrier(peer.port, kept, once) as carrier:
        await until_open(carrier)
        # Nobody was told: this process stood still.
        once.held[0].until = 0.0
        assert not carrier.open
        assert await carrier.submit(submission()) == NotSent("no link is open")
    assert peer.submits == []


async def test_a_part_that_waits_does_not_leave_over_a_slot_that_is_over(peer: SmppPeer, kept: Kept) -> None:
    once = Once(FreeLeases())
    async with smpp_carrier(peer.port, kept, once, rate=4.0) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))
        submitting = asyncio.create_task(carrier.submit(submission()))
        await asyncio.sleep(0)
        once.held[0].until = 0.0
        assert await submitting == NotSent("the link is closed")
    assert len(peer.submits) == 1


async def test_a_peer_that_only_says_that_it_is_there_is_dropped(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = ignore
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2, enquire_seconds=0.1, window=1) as carrier:
        await until_open(carrier)
        for _ in range(5):
            assert isinstance(await carrier.submit(submission()), Unknown)
        await until_open(carrier, is_open=False)
        await until_open(carrier)
    assert pdus.ENQUIRE_LINK in [each.command for each in peer.bound[0].got]
    assert len(peer.bound) == 2


async def test_a_peer_that_never_ends_what_it_says_is_dropped(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, answer_seconds=0.3, enquire_seconds=0.3) as carrier:
        await until_open(carrier)
        peer.enquires = False
        await peer.bound[0].send(struct.pack(">IIII", 60_000, pdus.DELIVER, 0, 5))
        async with asyncio.timeout(8):
            while carrier.open:
                peer.bound[0].writer.write(b"x")
                await asyncio.sleep(0.05)


async def test_a_bug_is_told_without_what_it_was_about(
    peer: SmppPeer, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.errors = [ValueError("from 436990000002: hello")]
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert (await peer.bound[0].deliver(deliver(b"hello"))).status == pdus.SYSTEM_ERROR
    (told,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert (told.__dict__["reason"], told.exc_info) == ("ValueError", None)
    assert "hello" not in str(told.__dict__)


async def test_a_panic_of_the_library_is_a_pdu_that_cannot_be_read(
    peer: SmppPeer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PanicException(BaseException):
        pass

    def panic(_: bytes) -> None:
        raise PanicException

    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        with monkeypatch.context() as patch:
            patch.setattr("services.delivery.carriers.smpp.codec.smpp34.decode", panic)
            assert (await peer.bound[0].deliver(deliver(b"hello"))).status == 0
    assert len(kept.arrived) == 1


async def test_who_cannot_bind_leaves_the_slot_to_others(
    peer: SmppPeer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.delivery.carriers.smpp.link._MOST_FAILED", 2)
    peer.bind_status = 0x08
    leases = FreeLeases()
    async with smpp_carrier(peer.port, kept, leases):
        async with asyncio.timeout(10):
            while len(peer.binds) < 2:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            while await leases.hold("one", 1) is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
    assert len(peer.binds) == 2


async def test_what_meets_a_resting_link_comes_later_alone(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = refuse(0x58)
    async with smpp_carrier(peer.port, kept, rate=4.0) as carrier:
        await until_open(carrier)
        first, second = await asyncio.gather(*(carrier.submit(submission()) for _ in range(2)))
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert (first.kind, second.kind) == (Refusal.SLOW_DOWN, Refusal.LATER)


async def test_a_part_whose_turn_comes_too_late_does_not_leave(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, rate=1.0) as carrier:
        await until_open(carrier)
        soon = asyncio.get_running_loop().time() + 0.2
        late = submission("x" * 400, deadline=soon)
        assert await carrier.submit(late) == Refused(Refusal.LATER, "part 2 of 3: its turn came too late")
        assert len(peer.submits) == 1
        assert await carrier.submit(submission(job_id=4, deadline=soon)) == Refused(
            Refusal.LATER, "its turn came too late"
        )
    assert len(peer.submits) == 1


async def test_a_message_that_ends_while_it_waits_does_not_leave(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, rate=1.0) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))
        ends = submission(expires_at=round(time.time() * 1000) + 200)
        assert await carrier.submit(ends) == EXPIRED
    assert len(peer.submits) == 1


async def test_what_came_is_kept_and_answered_before_it_closes(peer: SmppPeer, kept: Kept) -> None:
    kept.may.clear()
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].send(deliver(b"text", 1))
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(carrier.close())
        await asyncio.sleep(0.1)
        kept.may.set()
        await closing
        assert [each.command for each in peer.bound[0].got][-2:] == [DELIVER_ANSWER, pdus.UNBIND]
    assert len(kept.arrived) == 1


async def test_who_loses_a_slot_while_it_closes_waits_for_no_answer(peer: SmppPeer, kept: Kept) -> None:
    leases = Once(FreeLeases())
    peer.submitted = ignore
    async with smpp_carrier(peer.port, kept, leases, answer_seconds=30.0) as carrier:
        await until_open(carrier)
        submitting = asyncio.create_task(carrier.submit(submission()))
        await peer.bound[0].until(pdus.SUBMIT)
        closing = asyncio.create_task(carrier.close())
        await asyncio.sleep(0.1)
        leases.held[0].lost.set()
        async with asyncio.timeout(10):
            await closing
            assert isinstance(await submitting, Unknown)
