"""What leaves over a session: part after part, at its rate, within its window and its time."""

import asyncio
import time

import pytest

from services.delivery.carriers.carrier import EXPIRED, Accepted, NotSent, Refusal, Refused, Unknown
from services.delivery.carriers.smpp import pdus
from services.delivery.carriers.smpp.pdus import Pdu
from tests.unit.smpp_peer import Bound, SmppPeer, Submitted, accept, answer, ignore, refuse
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open


def refuse_second(status: int) -> Submitted:
    """Refuse the second part that comes."""

    async def submitted(bound: Bound, pdu: Pdu) -> None:
        if len(bound.peer.submits) == 2:
            await bound.send(answer(pdu, status))
        else:
            await accept(bound, pdu)

    return submitted


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
        first, second = await asyncio.gather(*submitting)
        assert isinstance(first, Unknown)
        assert second == NotSent("the link is closed")
    assert len(peer.submits) == 1


async def test_a_message_that_has_expired_is_not_sent(peer: SmppPeer, kept: Kept) -> None:
    async with smpp_carrier(peer.port, kept) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission(expires_at=1)) == EXPIRED
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
