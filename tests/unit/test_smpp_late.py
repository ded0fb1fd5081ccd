"""What becomes known of a submission when the time for its answer is over."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from services.delivery.carriers.carrier import Accepted, Outcome, Refusal, Refused, Submission, Unknown
from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.carrier import Smpp
from services.delivery.carriers.smpp.pdus import Pdu
from services.delivery.carriers.smpp.pending import Pending
from tests.unit.smpp_peer import Bound, SmppPeer, Submitted, accept, answer, deliver, ignore
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open

_LONG = "x" * 400


async def _unanswered(carrier: Smpp, sent: Submission) -> Unknown:
    await until_open(carrier)
    outcome = await carrier.submit(sent)
    assert isinstance(outcome, Unknown)
    return outcome


async def _late(outcome: Unknown) -> Outcome:
    assert outcome.late
    async with asyncio.timeout(5):
        return await outcome.late()


def ignore_nth(number: int, asked: list[Pdu]) -> Submitted:
    """Accept all but the one of that number."""

    async def submitted(bound: Bound, pdu: Pdu) -> None:
        if len(bound.peer.submits) == number:
            asked.append(pdu)
        else:
            await accept(bound, pdu)

    return submitted


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (0, b"late\0", Accepted(("late",))),
        (0x0B, b"", Refused(Refusal.PERMANENT, "0x0B")),
        (0x08, b"", Refused(Refusal.TEMPORARY, "0x08")),
    ],
)
async def test_a_late_answer_says_it(peer: SmppPeer, kept: Kept, status: int, body: bytes, said: Outcome) -> None:
    asked: list[Pdu] = []
    peer.submitted = ignore_nth(1, asked)
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2) as carrier:
        outcome = await _unanswered(carrier, submission())
        assert await carrier.submit(submission(job_id=4)) == Accepted(("m2",))
        await peer.bound[0].send(answer(asked[0], status, body))
        assert await _late(outcome) == said


async def test_with_its_link_the_hope_for_an_answer_ends(peer: SmppPeer, kept: Kept) -> None:
    peer.submitted = ignore
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2) as carrier:
        outcome = await _unanswered(carrier, submission())
        peer.bound[0].writer.transport.abort()
        assert await _late(outcome) == Unknown("the link ended")


async def test_what_the_link_took_with_it_has_no_answer_to_come(peer: SmppPeer, kept: Kept) -> None:
    async def drop(bound: Bound, _: Pdu) -> None:
        bound.writer.transport.abort()

    peer.submitted = drop
    async with smpp_carrier(peer.port, kept) as carrier:
        assert (await _unanswered(carrier, submission())).late is None


async def test_a_late_answer_to_nobody_harms_nobody(peer: SmppPeer, kept: Kept) -> None:
    asked: list[Pdu] = []
    peer.submitted = ignore_nth(1, asked)
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2) as carrier:
        outcome = await _unanswered(carrier, submission())
        assert outcome.late
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await outcome.late()
        for _ in range(2):
            await peer.bound[0].send(answer(asked[0], 0, b"late\0"))
        assert await carrier.submit(submission()) == Accepted(("m2",))
    assert len(peer.bound) == 1


@pytest.mark.parametrize(("number", "ids"), [(3, ("m1", "m2", "late")), (2, None)])
async def test_of_a_long_text_the_last_part_says_all(
    peer: SmppPeer, kept: Kept, number: int, ids: Sequence[str] | None
) -> None:
    asked: list[Pdu] = []
    peer.submitted = ignore_nth(number, asked)
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2) as carrier:
        outcome = await _unanswered(carrier, submission(_LONG))
        assert outcome.reason == f"part {number} of 3: no answer in time"
        await peer.bound[0].send(answer(asked[0], 0, b"late\0"))
        if ids:
            assert await _late(outcome) == Accepted(tuple(ids))
            return
        assert await _late(outcome) == Refused(Refusal.LATER, "part 2 of 3: accepted late")
        # What is left goes with the next try.
        assert await carrier.submit(submission(_LONG)) == Accepted(("m1", "late", "m3"))
    assert [each.short_message[5] for each in peer.submits] == [1, 2, 3]


def _receipt(reference: int) -> bytes:
    return deliver(b"id:told stat:DELIVRD err:000", esm_class=4, t0204=reference.to_bytes(2, "big"))


@pytest.mark.parametrize("is_early", [True, False])
@pytest.mark.parametrize("breaks", [True, False])
async def test_a_receipt_with_our_reference_gives_the_id(
    peer: SmppPeer, kept: Kept, *, is_early: bool, breaks: bool
) -> None:
    async def told(bound: Bound, _: Pdu) -> None:
        if is_early:
            await bound.send(_receipt(3))
        if breaks:
            await asyncio.sleep(0.1)
            bound.writer.transport.abort()

    peer.submitted = told
    async with smpp_carrier(peer.port, kept, answer_seconds=0.4, user_message_reference=True) as carrier:
        outcome = await _unanswered(carrier, submission(job_id=65_536 + 3))
        await until_open(carrier)
        if not is_early:
            await peer.bound[-1].deliver(_receipt(3))
        assert await _late(outcome) == Accepted(("told",))
    assert [type(each).__name__ for each in kept.arrived] == ["Receipt"]


@pytest.mark.parametrize(
    ("sent", "more"),
    [
        (submission(job_id=3), {"user_message_reference": False}),
        (submission(job_id=3), {"receipt_numbers": False}),
        (submission(job_id=4), {}),
        (submission(job_id=3, recipient="436990000009"), {}),
        # Of which part it is nobody knows.
        (submission(_LONG, job_id=3), {}),
    ],
)
async def test_a_receipt_that_may_be_of_another_says_nothing(
    peer: SmppPeer, kept: Kept, sent: Submission, more: dict[str, Any]
) -> None:
    peer.submitted = ignore
    more = {"user_message_reference": True} | more
    async with smpp_carrier(peer.port, kept, answer_seconds=0.2, **more) as carrier:
        outcome = await _unanswered(carrier, sent)
        await peer.bound[0].deliver(_receipt(3))
        peer.bound[0].writer.transport.abort()
        if outcome.late is None:
            return
        waiting = asyncio.ensure_future(outcome.late())
        await asyncio.wait([waiting], timeout=0.5)
        assert not waiting.done() or isinstance(waiting.result(), Unknown)
        waiting.cancel()


async def test_no_more_than_so_many_are_waited_for() -> None:
    pending = Pending()
    late = []
    for _ in range(1001):
        sequence, _answer = pending.add(pdus.request(pdus.SUBMIT))
        late.append(pending.late(sequence))
        pending.forget(sequence)
    assert late[0].result() is None
    assert not any(each.done() for each in late[1:])
