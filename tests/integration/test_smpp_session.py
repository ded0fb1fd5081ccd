"""SMPP sessions against the carrier's side of smpp34: what we write, another reads, and the other way."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import smpp34

from deploy.local.ports import free_port
from services.delivery.carriers.carrier import Accepted, Inbound, Receipt, ReceiptState, Refusal, Refused
from services.delivery.carriers.smpp import codec
from tests.unit.smpp_scene import RECIPIENT, SENDER, Kept, smpp_carrier, submission, until_open

RECEIPT = b"id:%s sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:%s err:000 text:a text"


class Smsc:
    """Accepts with ids from m1 on, or refuses with the statuses that it has."""

    def __init__(self, server: smpp34.Server, port: int) -> None:
        self.port = port
        self.statuses: list[int] = []
        self.submits: list[smpp34.SubmitSmEvent] = []
        self.bound: list[smpp34.Esme] = []
        self._server = server

    async def serve(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self.bound.append(event)
            elif isinstance(event, smpp34.SubmitSmEvent):
                if self.statuses:
                    event.reject(self.statuses.pop(0))
                    continue
                self.submits.append(event)
                event.accept(f"m{len(self.submits)}")

    async def deliver(self, text: bytes, esm_class: int = 0) -> int:
        esme = self.bound[-1]
        answer = await esme.deliver_sm(
            SENDER, text, source_addr=RECIPIENT, source_addr_ton=1, source_addr_npi=1, esm_class=esm_class
        )
        return answer.command_status


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    port = free_port()
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    smsc = Smsc(server, port)
    serving = asyncio.create_task(smsc.serve())
    try:
        yield smsc
    finally:
        serving.cancel()
        await server.stop()


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_a_plain_message(smsc: Smsc, kept: Kept) -> None:
    async with smpp_carrier(smsc.port, kept) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission("a text with € and é")) == Accepted(("m1",))
    (got,) = smsc.submits
    assert (got.source_addr, got.destination_addr) == (SENDER, RECIPIENT)
    assert (got.source_addr_ton, got.source_addr_npi, got.dest_addr_ton, got.dest_addr_npi) == (1, 1, 1, 1)
    assert (got.esm_class, got.data_coding, got.registered_delivery) == (0, 0, 1)
    assert got.short_message == b"a text with \x1b\x65 and \x05"


@pytest.mark.parametrize(("text", "parts", "coding"), [("x" * 300, 2, 0), ("😀" * 100, 4, 8)])
async def test_a_long_message(smsc: Smsc, kept: Kept, text: str, parts: int, coding: int) -> None:
    async with smpp_carrier(smsc.port, kept) as carrier:
        await until_open(carrier)
        outcome = await carrier.submit(submission(text, job_id=7))
    assert outcome == Accepted(tuple(f"m{number}" for number in range(1, parts + 1)))
    reference = smsc.submits[0].short_message[3]
    assert [got.short_message[:6] for got in smsc.submits] == [
        bytes([5, 0, 3, reference, parts, number]) for number in range(1, parts + 1)
    ]
    assert {(got.esm_class, got.data_coding) for got in smsc.submits} == {(0x40, coding)}
    octets = b"".join(got.short_message[6:] for got in smsc.submits)
    assert octets.decode("utf-16-be" if coding else "ascii") == text


async def test_a_long_message_as_payload(smsc: Smsc, kept: Kept) -> None:
    async with smpp_carrier(smsc.port, kept, long="payload") as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission("x" * 300)) == Accepted(("m1",))
    (got,) = smsc.submits
    assert got.short_message == b""
    assert [(each.tag, each.value) for each in got.tlvs] == [(codec.PAYLOAD, b"x" * 300)]


async def test_receipts_and_messages_are_kept_and_answered(smsc: Smsc, kept: Kept) -> None:
    async with smpp_carrier(smsc.port, kept) as carrier:
        await until_open(carrier)
        assert await smsc.deliver(RECEIPT % (b"00AB", b"DELIVRD"), esm_class=4) == 0
        assert await smsc.deliver(b"hello \x1b\x65") == 0
    receipt, inbound = kept.arrived
    assert receipt == Receipt("one", "ab", RECIPIENT, ReceiptState.DELIVERED, "DELIVRD 000", 1_767_268_919_999)
    assert isinstance(inbound, Inbound)
    assert (inbound.sender, inbound.destination, inbound.text) == (RECIPIENT, SENDER, "hello €")


async def test_what_is_throttled_waits_and_is_accepted_later(smsc: Smsc, kept: Kept) -> None:
    smsc.statuses = [0x58]
    async with smpp_carrier(smsc.port, kept) as carrier:
        await until_open(carrier)
        refused = await carrier.submit(submission())
        assert isinstance(refused, Refused)
        assert refused.kind is Refusal.SLOW_DOWN
        assert not carrier.open
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))


async def test_a_carrier_that_unbinds_is_bound_again(smsc: Smsc, kept: Kept) -> None:
    async with smpp_carrier(smsc.port, kept) as carrier:
        await until_open(carrier)
        await smsc.bound[0].unbind()
        await until_open(carrier, is_open=False)
        await until_open(carrier)
        assert await carrier.submit(submission()) == Accepted(("m1",))
    assert len(smsc.bound) == 2
