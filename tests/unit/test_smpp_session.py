"""SMPP sessions against a carrier that does what it should not: what is sent, what became of it, and who is dropped."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from services.delivery.carriers.carrier import Accepted, Inbound, InboundPart, NotSent, Refusal, Refused, Unknown
from services.delivery.carriers.smpp import measures, pdus
from services.delivery.carriers.smpp.pdus import Pdu
from shared.contract.faults import Away
from shared.postgres.errors import DatabaseError
from tests.free_leases import FreeLease, FreeLeases
from tests.unit.smpp_peer import Bound, SmppPeer, Submitted, accept, answer, deliver, ignore, refuse, smpp_peer
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


def refuse_second(status: int) -> Submitted:
    """Refuse the second part that comes."""

    async def submitted(bound: Bound, pdu: Pdu) -> None:
        if len(bound.peer.submits) == 2:
            await bound.send(answer(pdu, status))
        else:
            await accept(bound, pdu)

    return submitted


@pytest.fixture
async def peer() -> AsyncIterator[SmppPeer]:
    async with smpp_peer() as found:
        yield found


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_it_binds_with_its_names_and_unbinds_at_the_end(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, system_type="sms") as carrier:
        await until_open(carrier)
        (bound,) = peer.bound
    assert peer.binds[0].command == pdus.BIND_TRANSCEIVER
    assert peer.binds[0].octets[16:] == b"us\0longer than 8\0sms\0\x34\0\0\0"
    assert [each.command for each in bound.got] == [pdus.BIND_TRANSCEIVER, pdus.UNBIND]


async def test_a_carrier_that_never_bound_has_no_link_bound(peer: SmppPeer, kept: Kept) -> None:
    measures._BOUND.clear()  # noqa: SLF001 - of tests before
    async with smpp_carrier(peer.port, kept):
        assert REGISTRY.get_sample_value("usermessage_smpp_bound_links", {"carrier": "one"}) == 0


async def test_a_pair_sends_over_one_link_and_hears_over_the_other(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, bind="pair") as carrier:
        await until_open(carrier)
        sending, hearing = peer.bound
        assert await carrier.submit(submission()) == Accepted(("m1",))
        assert (await hearing.deliver(deliver(b"hello"))).status == 0
    assert [each.command for each in peer.binds] == [pdus.BIND_TRANSMITTER, pdus.BIND_RECEIVER]
    assert pdus.SUBMIT in [each.command for each in sending.got]
    assert len(kept.arrived) == 1


async def test_octets_that_come_one_by_one(peer: SmppPeer, kept: Kept) -> None:
    peer.piece = 1
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))
        assert (await peer.bound[0].deliver(deliver(b"hello"))).status == 0
    assert len(kept.arrived) == 1


async def test_many_pdus_in_one_piece(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].send(b"".join(deliver(b"text %d" % nth, nth) for nth in range(1, 501)))
        await peer.bound[0].until(DELIVER_ANSWER, 500)
    assert len(kept.arrived) == 500


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0x14, Refusal.SLOW_DOWN),
        (0x08, Refusal.TEMPORARY),
        (0x0B, Refusal.PERMANENT),
        (0x0E, Refusal.ACCOUNT),
        (0x4FF, Refusal.TEMPORARY),
        (0x401, Refusal.PERMANENT),
    ],
)
async def test_refusals(peer: SmppPeer, kept: Kept, status: int, kind: Refusal) -> None:
    peer.submitted = refuse(status)
    async with smpp_carrier(peer.port, kept, statuses={"0x401": "permanent", "1026": "unknown"}) as carrier:
        await until_open(carrier)
        outcome = await carrier.submit(submission())
        assert isinstance(outcome, Refused)
        assert (outcome.kind, outcome.reason) == (kind, f"0x{status:02X}")
        assert await carrier.submit(submission()) == Accepted(("m2",))


async def test_a_status_that_says_nothing_certain(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = refuse(0x402)
    async with smpp_carrier(peer.port, kept, statuses={"1026": "unknown"}) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission()) == Unknown("0x402")


async def test_rests_become_longer_until_something_is_accepted(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = refuse(0x58, 0x58)
    rests = []
    async with smpp_carrier(peer.port, kept) as carrier:
        for _ in range(2):
            await until_open(carrier)
            refused = await carrier.submit(submission())
            assert isinstance(refused, Refused)
            rests.append(refused.after_seconds)
        assert await carrier.submit(submission()) == NotSent("no link is open")
    assert rests == [pytest.approx(1.0, abs=0.1), pytest.approx(2.0, abs=0.1)]


async def test_generic_nack_is_an_answer(peer: SmppPeer, kept: Kept) -> None:
    async def nack(bound: Bound, pdu: Pdu) -> None:
        await bound.send(pdus.nack(0x03, pdu.sequence))

    peer.submitted = nack
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        # It may be of an answer of ours that had the same number.
        assert await carrier.submit(submission()) == Unknown("0x03")
        peer.submitted = accept
        assert await carrier.submit(submission()) == Accepted(("m2",))
    assert len(peer.bound) == 1


async def test_the_answer_to_something_else_is_none(peer: SmppPeer, kept: Kept) -> None:
    async def confuse(bound: Bound, pdu: Pdu) -> None:
        await bound.send(pdus.answer(pdu._replace(command=pdus.ENQUIRE_LINK)))
        await accept(bound, pdu)

    peer.submitted = confuse
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))


async def test_no_answer_is_unknown_and_a_late_one_harms_nobody(peer: SmppPeer, kept: Kept) -> None:
    asked: list[Pdu] = []

    async def later(_: Bound, pdu: Pdu) -> None:
        asked.append(pdu)

    peer.submitted = later
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission()) == Unknown("no answer in time")
        await peer.bound[0].send(answer(asked[0], 0, b"late\0"))
        peer.submitted = accept
        assert await carrier.submit(submission()) == Accepted(("m2",))
    assert len(peer.bound) == 1


async def test_a_link_that_breaks_before_the_answers(peer: SmppPeer, kept: Kept) -> None:
    async def drop(bound: Bound, _: Pdu) -> None:
        if len(peer.submits) == 3:
            bound.writer.transport.abort()

    peer.submitted = drop
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        outcomes = await asyncio.gather(*(carrier.submit(submission()) for _ in range(3)))
        assert outcomes == [Unknown("the link broke")] * 3
        assert await carrier.submit(submission()) == NotSent("no link is open")
        peer.submitted = accept
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m4",))


async def test_a_peer_that_is_silent_is_dropped(peer: SmppPeer, kept: Kept) -> None:
    peer.enquires = False
    async with smpp_carrier(peer.port, kept, enquire_seconds=0.2, answer_seconds=0.2) as carrier:
        await until_open(carrier)
        await until_open(carrier, is_open=False)
        peer.enquires = True
        await until_open(carrier)
        await asyncio.sleep(0.6)
        assert carrier.open
    assert len(peer.bound) == 2


async def test_a_peer_that_answers_no_submission_is_dropped(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = ignore
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2) as carrier:
        await until_open(carrier)
        outcomes = await asyncio.gather(*(carrier.submit(submission()) for _ in range(5)))
        assert {type(each) for each in outcomes} == {Unknown}
        await until_open(carrier, is_open=False)
        await until_open(carrier)


async def test_the_peer_is_answered_when_it_asks_whether_we_are_there(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].send(pdus.request(pdus.ENQUIRE_LINK, 77))
        assert (await peer.bound[0].until(0x80000015)).sequence == 77
        await peer.bound[0].send(pdus.request(0x103, 78))
        nack = await peer.bound[0].until(pdus.GENERIC_NACK)
        assert (nack.status, nack.sequence) == (pdus.INVALID_COMMAND, 78)
        assert carrier.open


async def test_a_peer_that_unbinds_first_answers_what_is_under_way(peer: SmppPeer, kept: Kept) -> None:
    asked: list[Pdu] = []

    async def unbind(bound: Bound, pdu: Pdu) -> None:
        asked.append(pdu)
        await bound.send(pdus.request(pdus.UNBIND, 9))

    peer.submitted = unbind
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        submitting = asyncio.create_task(carrier.submit(submission()))
        await until_open(carrier, is_open=False)
        assert await carrier.submit(submission()) == NotSent("no link is open")
        (bound,) = peer.bound
        await bound.send(answer(asked[0], 0, b"m1\0"))
        assert await submitting == Accepted(("m1",))
        await bound.until(0x80000006)
        peer.submitted = accept
        await until_open(carrier)


async def test_a_pdu_that_cannot_be_read_is_kept_and_answered(peer: SmppPeer, kept: Kept) -> None:
    strange = struct.pack(">IIII", 20, pdus.DELIVER, 0, 5) + b"junk"
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert (await peer.bound[0].deliver(strange)).status == 0
        kept.errors = [Away("no mailbox")]
        assert (await peer.bound[0].deliver(strange)).status == pdus.SYSTEM_ERROR
        assert await carrier.submit(submission()) == Accepted(("m1",))
    (inbound,) = kept.arrived
    assert isinstance(inbound, Inbound)
    assert (inbound.destination, inbound.text) == ("", strange.hex())
    assert len(peer.bound) == 1


async def test_a_pdu_that_is_too_long_is_passed_over(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].send(struct.pack(">IIII", 100_000, pdus.DELIVER, 0, 5) + bytes(100_000 - 16))
        nack = await peer.bound[0].until(pdus.GENERIC_NACK)
        assert (nack.status, nack.sequence) == (pdus.INVALID_LENGTH, 5)
        assert await carrier.submit(submission()) == Accepted(("m1",))
    assert len(peer.bound) == 1


@pytest.mark.parametrize("length", [0, 3, 0x200000])
async def test_a_length_that_makes_no_sense_costs_the_link(peer: SmppPeer, kept: Kept, length: int) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].send(struct.pack(">IIII", length, pdus.DELIVER, 0, 5))
        nack = await peer.bound[0].until(pdus.GENERIC_NACK)
        assert nack.status == pdus.INVALID_LENGTH
        await until_open(carrier, is_open=False)
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))


@pytest.mark.parametrize("error", [Away("no mailbox"), DatabaseError("gone"), ValueError("a bug")])
async def test_what_cannot_be_kept_may_come_again(peer: SmppPeer, kept: Kept, error: Exception) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        for brought in (deliver(b"hello"), deliver(b"id:1 stat:DELIVRD", esm_class=4)):
            kept.errors = [error]
            assert (await peer.bound[0].deliver(brought)).status == pdus.SYSTEM_ERROR
            assert (await peer.bound[0].deliver(brought)).status == 0
    assert len(kept.arrived) == 2


async def test_parts_are_kept_as_parts(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].deliver(deliver(b"\5\0\3\7\2\1hel", esm_class=0x40))
        await peer.bound[0].deliver(deliver(b"\6\x08\4\1\7\2\2lo", esm_class=0x40))
        await peer.bound[0].deliver(deliver(b"sar", t020c=b"\0\7", t020e=b"\2", t020f=b"\2"))
    parts = [each for each in kept.arrived if isinstance(each, InboundPart)]
    assert [(each.reference, each.total, each.number, each.text) for each in parts] == [
        (7, 2, 1, "hel"), (263, 2, 2, "lo"), (7, 2, 2, "sar"),
    ]  # fmt: skip


async def test_the_same_again_is_another_message_unless_nobody_answered_it(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        await peer.bound[0].deliver(deliver(b"yes", 1))
        await peer.bound[0].deliver(deliver(b"yes", 2))
        peer.bound[0].writer.transport.abort()
        await until_open(carrier, is_open=False)
        await until_open(carrier)
        await peer.bound[1].deliver(deliver(b"yes", 1))
    ids = [each.inbound_id for each in kept.arrived if isinstance(each, Inbound)]
    assert ids[0] != ids[1] == ids[2]


async def test_a_part_that_is_refused_is_where_the_next_try_begins(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = refuse_second(0x08)
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        long = submission("x" * 400)
        assert await carrier.submit(long) == Refused(Refusal.TEMPORARY, "part 2 of 3: 0x08")
        assert await carrier.submit(long) == Accepted(("m1", "m3", "m4"))
    assert [each.short_message[5] for each in peer.submits] == [1, 2, 2, 3]
    assert len({each.short_message[3] for each in peer.submits}) == 1


async def test_where_the_first_part_is_refused_nothing_was_sent(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = refuse(0x0B)
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission("x" * 400)) == Refused(Refusal.PERMANENT, "part 1 of 3: 0x0B")
    assert len(peer.submits) == 1


async def test_no_more_parts_are_under_way_than_the_window_holds(peer: SmppPeer, kept: Kept) -> None:
    asked: list[Pdu] = []

    async def later(_: Bound, pdu: Pdu) -> None:
        asked.append(pdu)

    peer.submitted = later
    async with smpp_carrier(peer.port, kept, window=3) as carrier:
        await until_open(carrier)
        assert carrier.window == 3
        submitting = [asyncio.create_task(carrier.submit(submission())) for _ in range(5)]
        await peer.bound[0].until(pdus.SUBMIT, 3)
        await asyncio.sleep(0.1)
        assert len(asked) == 3
        peer.submitted = accept
        for pdu in asked:
            await peer.bound[0].send(answer(pdu, 0, b"m\0"))
        assert {type(each) for each in await asyncio.gather(*submitting)} == {Accepted}


async def test_parts_go_at_the_rate(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, rate=20, window=50) as carrier:
        await until_open(carrier)
        begun = time.monotonic()
        await asyncio.gather(*(carrier.submit(submission()) for _ in range(11)))
        assert 0.45 < time.monotonic() - begun < 3


async def test_what_waits_for_its_turn_when_the_peer_unbinds_is_not_sent(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = ignore
    async with smpp_carrier(peer.port, kept, rate=5, window=5, answer_seconds=1.0) as carrier:
        await until_open(carrier)
        submitting = [asyncio.create_task(carrier.submit(submission())) for _ in range(2)]
        await peer.bound[0].until(pdus.SUBMIT)
        await peer.bound[0].send(pdus.request(pdus.UNBIND, 9))
        assert await asyncio.gather(*submitting) == [Unknown("no answer in time"), NotSent("the link is closed")]
    assert len(peer.submits) == 1


async def test_a_message_that_has_expired_is_not_sent(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission(expires_at=1)) == NotSent("expired")
    assert not peer.submits


@pytest.mark.parametrize(
    "changes",
    [{"text": "\x1b"}, {"text": "x" * 2000}, {"sender": "x" * 21}, {"recipient": "4" * 21}, {"sender": "ä"}],
)
async def test_what_no_pdu_holds_is_refused(peer: SmppPeer, kept: Kept, changes: dict[str, str]) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        outcome = await carrier.submit(submission()._replace(**changes))  # type: ignore[arg-type]
        assert isinstance(outcome, Refused)
        assert outcome.kind is Refusal.PERMANENT
    assert not peer.submits


async def test_a_wrong_password_is_an_error_for_somebody_to_see(
    peer: SmppPeer, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    peer.bind_status = 0x0E
    async with smpp_carrier(peer.port, kept) as carrier:
        async with asyncio.timeout(5):
            while not caplog.records:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert not carrier.open
    assert len(peer.binds) == 1
    assert [(each.levelname, each.message) for each in caplog.records] == [("ERROR", "link not bound")]
    assert "longer than 8" not in str([each.__dict__ for each in caplog.records])


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
            assert await carrier.submit(submission()) == Unknown("no answer in time")
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
        assert await carrier.submit(ends) == NotSent("expired")
    assert len(peer.submits) == 1
