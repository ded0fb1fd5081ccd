"""SMPP against carriers on bad days: the simulator, whose codec is ours, and one with npm's."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.delivery.carriers.carrier import (
    Accepted,
    Inbound,
    InboundPart,
    NotSent,
    Outcome,
    Receipt,
    ReceiptState,
    Refusal,
    Refused,
    Unknown,
)
from services.delivery.carriers.smpp.carrier import Smpp
from shared.postgres.errors import DatabaseAway
from tests.smsc.peers import PEERS, Peer, peer, until
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open

_DELIVERED, _FAILED, _EXPIRED, _ON_THE_WAY = (
    ReceiptState.DELIVERED,
    ReceiptState.FAILED,
    ReceiptState.EXPIRED,
    ReceiptState.INTERMEDIATE,
)
# Longer than any receipt takes.
_QUIET_SECONDS = 1.5
_counted = itertools.count(10)


@pytest.fixture(scope="module", params=PEERS)
async def smsc(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    async with peer(request.param) as running:
        yield running


class _Scene:
    """A carrier of ours that nobody else is called like, and what it brought."""

    def __init__(self, carrier: Smpp, kept: Kept) -> None:
        self.carrier = carrier
        self.kept = kept

    async def send(self, number: str, text: str = "a text") -> Outcome:
        return await self.carrier.submit(submission(text, job_id=next(_counted), recipient=number))

    def receipts(self, number: str) -> list[Receipt]:
        return [each for each in self.kept.arrived if isinstance(each, Receipt) and each.number == number]

    async def receipt(self, number: str, count: int = 1) -> Receipt:
        await until(lambda: len(self.receipts(number)) >= count, f"no receipt of {number}")
        return self.receipts(number)[-1]

    def inbound(self, number: str) -> list[Inbound | InboundPart]:
        found = [each for each in self.kept.arrived if isinstance(each, Inbound | InboundPart)]
        return [each for each in found if each.sender == number]


@asynccontextmanager
async def _bound(smsc: Peer, **options: Any) -> AsyncIterator[_Scene]:
    kept = Kept()
    async with smpp_carrier(smsc.port, kept, system_id=f"us{next(_counted)}", **options) as carrier:
        await until_open(carrier)
        yield _Scene(carrier, kept)


def _number(ending: str = "001") -> str:
    """Return a number with an ending that the peers know, and that no other test has."""
    return f"43699{next(_counted):05}{ending}"


async def test_a_message_and_its_receipt(smsc: Peer) -> None:
    number = _number()
    async with _bound(smsc) as scene:
        outcome = await scene.send(number, "a text with é")
        (said,) = await smsc.says("accepted", number)
        assert outcome == Accepted((said["id"],))
        receipt = await scene.receipt(number)
        assert receipt.carrier_id == said["id"]
        assert (receipt.state, receipt.reason) == (_DELIVERED, "DELIVRD 000")
        assert abs(receipt.at / 1000 - time.time()) < 120
    await smsc.says("unbound")


@pytest.mark.parametrize(("text", "parts"), [("0123456789" * 30, 2), ("\N{GRINNING FACE}" * 100, 4)])
async def test_a_long_message(smsc: Peer, text: str, parts: int) -> None:
    number = _number()
    async with _bound(smsc) as scene:
        outcome = await scene.send(number, text)
        assert isinstance(outcome, Accepted)
        assert len({*outcome.carrier_ids}) == parts
        said = await smsc.says("accepted", number, parts)
        assert "".join(each["text"] for each in said) == text
        assert {each["esm_class"] for each in said} == {0x40}
        await until(lambda: len(scene.receipts(number)) == parts)
        assert {receipt.carrier_id for receipt in scene.receipts(number)} == {*outcome.carrier_ids}


@pytest.mark.parametrize(
    ("ending", "kind", "status", "options"),
    [
        ("901", Refusal.PERMANENT, "0x0B", {}),
        ("905", Refusal.TEMPORARY, "0x410", {}),
        ("905", Refusal.PERMANENT, "0x410", {"statuses": {"0x410": "permanent"}}),
    ],
)
async def test_a_refusal(smsc: Peer, ending: str, kind: Refusal, status: str, options: dict[str, Any]) -> None:
    async with _bound(smsc, **options) as scene:
        assert await scene.send(_number(ending)) == Refused(kind, status)
        assert isinstance(await scene.send(_number()), Accepted)


@pytest.mark.parametrize(("ending", "refusals"), [("902", [Refusal.SLOW_DOWN] * 2), ("904", [Refusal.TEMPORARY])])
async def test_a_refusal_that_passes(smsc: Peer, ending: str, refusals: list[Refusal]) -> None:
    number = _number(ending)
    async with _bound(smsc) as scene:
        for kind in refusals:
            outcome = await scene.send(number)
            assert isinstance(outcome, Refused)
            assert outcome.kind is kind
            await until_open(scene.carrier)
        assert isinstance(await scene.send(number), Accepted)
    assert len(smsc.of("refused", number)) == len(refusals)


async def test_a_full_queue_keeps_nobody_else(smsc: Peer) -> None:
    full = _number("903")
    async with _bound(smsc) as scene:
        for _ in range(3):
            outcome = await scene.send(full)
            assert isinstance(outcome, Refused)
            assert (outcome.kind, outcome.reason) == (Refusal.FULL, "0x14")
            assert isinstance(await scene.send(_number()), Accepted)


async def test_receipts_of_every_kind(smsc: Peer) -> None:
    expected = {
        "921": [],
        "922": [_DELIVERED],
        "924": [_DELIVERED] * 2,
        "925": [_ON_THE_WAY, _DELIVERED],
        "926": [_FAILED],
        "927": [_EXPIRED],
        "928": [_DELIVERED],
        "929": [_DELIVERED],
    }
    numbers = {ending: _number(ending) for ending in expected}
    async with _bound(smsc) as scene:
        outcomes = await asyncio.gather(*(scene.send(number) for number in numbers.values()))
        await asyncio.sleep(_QUIET_SECONDS)
        # Of 3 seconds.
        assert not scene.receipts(numbers["922"])
        await scene.receipt(numbers["922"])
        for (ending, number), outcome in zip(numbers.items(), outcomes, strict=True):
            receipts = scene.receipts(number)
            assert isinstance(outcome, Accepted)
            assert [receipt.state for receipt in receipts] == expected[ending], ending
            assert all(receipt.carrier_id == outcome.carrier_ids[0] for receipt in receipts), ending
        # The same minute, or the same second where the carrier says seconds.
        assert abs(scene.receipts(numbers["928"])[0].at / 1000 - time.time()) < 10


async def test_a_receipt_before_the_answer(smsc: Peer) -> None:
    number = _number("923")
    async with _bound(smsc) as scene:
        sending = asyncio.create_task(scene.send(number))
        receipt = await scene.receipt(number)
        assert not sending.done()
        assert await sending == Accepted((receipt.carrier_id,))


@pytest.mark.parametrize(("ending", "ids"), [("931", "hex_to_decimal"), ("932", "decimal_to_hex")])
async def test_an_id_in_another_form(smsc: Peer, ending: str, ids: str) -> None:
    number = _number(ending)
    async with _bound(smsc, receipt_ids=ids) as scene:
        outcome = await scene.send(number)
        receipt = await scene.receipt(number)
        assert outcome == Accepted((receipt.carrier_id,))
        (said,) = await smsc.says("accepted", number)
        assert int(receipt.carrier_id) == int(said["id"], 16 if ending == "931" else 10)


async def test_a_link_that_drops_before_the_answer(smsc: Peer) -> None:
    number = _number("911")
    async with _bound(smsc) as scene:
        assert await scene.send(number) == Unknown("the link broke")
        await until_open(scene.carrier)
        # The carrier has it, and says so when it can.
        assert (await scene.receipt(number)).state is _DELIVERED
        assert len(smsc.of("accepted", number)) == 1
        assert isinstance(await scene.send(_number()), Accepted)


@pytest.mark.parametrize("ending", ["912", "915"])
async def test_a_link_that_ends_after_the_answer(smsc: Peer, ending: str) -> None:
    number = _number(ending)
    async with _bound(smsc) as scene:
        outcome = await scene.send(number)
        await until_open(scene.carrier, is_open=False)
        receipt = await scene.receipt(number)
        assert outcome == Accepted((receipt.carrier_id,))
        assert scene.carrier.open


async def test_no_answer(smsc: Peer) -> None:
    number = _number("913")
    async with _bound(smsc, answer_seconds=0.5) as scene:
        assert _unknown(await scene.send(number)) == "no answer in time"
        assert isinstance(await scene.send(_number()), Accepted)
    assert len(smsc.of("accepted", number)) == 1


async def test_a_late_answer(smsc: Peer) -> None:
    number = _number("917")
    async with _bound(smsc, answer_seconds=0.5) as scene:
        outcome = await scene.send(number)
        assert isinstance(outcome, Unknown)
        assert outcome.late
        async with asyncio.timeout(10):
            assert await outcome.late() == Accepted(((await smsc.says("accepted", number))[0]["id"],))


async def test_an_answer_that_is_none(smsc: Peer) -> None:
    """A generic_nack says that the carrier did not understand, which may have been something else."""
    async with _bound(smsc) as scene:
        outcome = await scene.send(_number("914"))
        assert outcome == Unknown("0x03")
        assert isinstance(await scene.send(_number()), Accepted)


async def test_an_answer_byte_by_byte(smsc: Peer) -> None:
    numbers = [_number("916"), _number(), _number("916")]
    async with _bound(smsc) as scene:
        outcomes = await asyncio.gather(*(scene.send(number) for number in numbers))
        for number, outcome in zip(numbers, outcomes, strict=True):
            assert outcome == Accepted(((await smsc.says("accepted", number))[0]["id"],))


@pytest.mark.parametrize(("ending", "word"), [("941", "STOP"), ("942", "START")])
async def test_an_answer_of_the_recipient(smsc: Peer, ending: str, word: str) -> None:
    number = _number(ending)
    async with _bound(smsc) as scene:
        await scene.send(number)
        await until(lambda: len(scene.inbound(number)) == 1)
        (inbound,) = scene.inbound(number)
        assert isinstance(inbound, Inbound)
        assert (inbound.text, inbound.destination) == (word, submission().sender)


@pytest.mark.parametrize(("ending", "numbers"), [("943", [1, 2, 3]), ("944", [1, 1, 2, 3]), ("945", [1, 3])])
async def test_a_long_answer_of_the_recipient(smsc: Peer, ending: str, numbers: list[int]) -> None:
    number = _number(ending)
    async with _bound(smsc) as scene:
        await scene.send(number)
        await until(lambda: len(scene.inbound(number)) >= len(numbers))
        parts = sorted((part.number, part) for part in scene.inbound(number) if isinstance(part, InboundPart))
        assert [place for place, _ in parts] == numbers
        assert len({part.reference for _, part in parts}) == 1
        assert {part.total for _, part in parts} == {3}
        assert parts[0][1].text.startswith("This answer is longer")


async def test_what_is_not_kept_comes_again(smsc: Peer) -> None:
    number = _number("941")
    async with _bound(smsc) as scene:
        scene.kept.errors = [DatabaseAway("not now")] * 2
        await scene.send(number)
        await scene.receipt(number)
        await until(lambda: len(scene.inbound(number)) == 1)
        await asyncio.sleep(_QUIET_SECONDS)
        assert len(scene.receipts(number)) == 1
        assert len(scene.inbound(number)) == 1


async def test_a_pair_of_binds(smsc: Peer) -> None:
    number = _number("941")
    async with _bound(smsc, bind="pair") as scene:
        assert isinstance(await scene.send(number), Accepted)
        await scene.receipt(number)
        await until(lambda: len(scene.inbound(number)) == 1)


async def test_an_idle_link_stays(smsc: Peer) -> None:
    async with _bound(smsc, enquire_seconds=0.1) as scene:
        bound = len(smsc.of("bound"))
        await asyncio.sleep(_QUIET_SECONDS)
        assert scene.carrier.open
        assert len(smsc.of("bound")) == bound
        assert isinstance(await scene.send(_number()), Accepted)


async def test_a_wrong_password(smsc: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG_PASSWORD", "wrong")
    async with smpp_carrier(smsc.port, Kept(), password="env:WRONG_PASSWORD", system_id="nobody") as carrier:
        await asyncio.sleep(_QUIET_SECONDS)
        assert not carrier.open
        assert await carrier.submit(submission()) == NotSent("no link is open")
    assert not [each for each in smsc.of("bound") if each["system_id"] == "nobody"]


async def test_a_carrier_that_stands_still(smsc: Peer) -> None:
    """Its connection stays open, as behind a firewall that forgot it."""
    async with _bound(smsc, enquire_seconds=0.2, answer_seconds=0.4) as scene:
        smsc.freeze()
        try:
            number = _number()
            assert _unknown(await scene.send(number)) == "no answer in time"
            await until_open(scene.carrier, is_open=False)
            assert isinstance(await scene.send(_number()), NotSent)
        finally:
            smsc.thaw()
        await until_open(scene.carrier)
        assert isinstance(await scene.send(_number()), Accepted)


async def test_a_link_that_drops_in_the_middle_of_a_window(smsc: Peer) -> None:
    numbers = [_number("911" if place == 20 else "921") for place in range(40)]
    async with _bound(smsc, window=10) as scene:
        outcomes = dict(zip(numbers, await asyncio.gather(*map(scene.send, numbers)), strict=True))
        await until_open(scene.carrier)
        await asyncio.sleep(0.2)
        taken = {number: len(smsc.of("accepted", number)) for number in numbers}
        assert {type(outcome) for outcome in outcomes.values()} == {Accepted, Unknown, NotSent}
        assert outcomes[numbers[20]] == Unknown("the link broke")
        for number, outcome in outcomes.items():
            allowed = {Accepted: {1}, Unknown: {0, 1}, NotSent: {0}}[type(outcome)]
            assert taken[number] in allowed, outcome
        # As many as a window has, and no more, may be in doubt.
        assert sum(isinstance(outcome, Unknown) for outcome in outcomes.values()) <= 10
        again = [number for number, outcome in outcomes.items() if isinstance(outcome, NotSent)]
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*map(scene.send, again)))


def _unknown(outcome: Outcome) -> str:
    assert isinstance(outcome, Unknown)
    return outcome.reason
