"""SMPP sessions against a carrier that does what it should not: what is sent, what became of it, and who is dropped."""

import asyncio
import struct

import pytest
from prometheus_client import REGISTRY

from services.delivery.carriers.carrier import Accepted, Inbound, InboundPart, NotSent, Refusal, Refused, Unknown
from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.carrier import Smpp
from services.delivery.carriers.smpp.pdus import Pdu
from shared.contract.faults import Away
from shared.postgres.errors import DatabaseError
from tests.unit.smpp_peer import Bound, SmppPeer, accept, answer, deliver, ignore, refuse
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open

DELIVER_ANSWER = 0x80000005


def bound_links() -> float | None:
    return REGISTRY.get_sample_value("usermessage_smpp_bound_links", {"carrier": "one"})


async def test_it_binds_with_its_names_and_unbinds_at_the_end(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept, system_type="sms") as carrier:
        await until_open(carrier)
        (bound,) = peer.bound
    assert peer.binds[0].command == pdus.BIND_TRANSCEIVER
    assert peer.binds[0].octets[16:] == b"us\0longer than 8\0sms\0\x34\0\0\0"
    assert [each.command for each in bound.got] == [pdus.BIND_TRANSCEIVER, pdus.UNBIND]


async def test_a_carrier_that_never_bound_has_no_link_bound(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept):
        assert bound_links() == 0


async def test_a_carrier_that_is_gone_is_told_of_no_more(peer: SmppPeer, kept: Kept) -> None:
    """Another of its name may have come before it goes, as when its options change."""
    async with smpp_carrier(peer.port, kept) as carrier:
        async with smpp_carrier(peer.port, kept) as another:
            await until_open(carrier)
            await until_open(another)
            assert bound_links() == 2
        assert bound_links() == 1
    assert bound_links() is None


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
        (0x14, Refusal.FULL),
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
        assert await _unknown(carrier) == "no answer in time"
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


async def _unknown(carrier: Smpp) -> str:
    outcome = await carrier.submit(submission())
    assert isinstance(outcome, Unknown)
    return outcome.reason
