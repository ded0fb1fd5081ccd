"""Arrivals before there is anybody to keep them."""

import pytest

from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt, ReceiptState
from services.delivery.later_arrivals import LaterArrivals
from shared.contract.faults import Away

RECEIPT = Receipt("one", "id", None, ReceiptState.DELIVERED, "", 1)
INBOUND = Inbound("one", "id", "436990000002", "436990000001", "hello", 7)
PART = InboundPart("one", "436990000002", "436990000001", 5, 2, 1, "hel", 7)


class Kept:
    def __init__(self) -> None:
        self.arrived: list[Receipt | Inbound | InboundPart] = []

    async def receipt(self, receipt: Receipt) -> None:
        self.arrived.append(receipt)

    async def inbound(self, inbound: Inbound) -> None:
        self.arrived.append(inbound)

    async def part(self, part: InboundPart) -> None:
        self.arrived.append(part)


async def test_what_nobody_keeps_is_not_acknowledged() -> None:
    later = LaterArrivals()
    with pytest.raises(Away):
        await later.receipt(RECEIPT)
    with pytest.raises(Away):
        await later.inbound(INBOUND)
    with pytest.raises(Away):
        await later.part(PART)


async def test_what_comes_later_is_kept() -> None:
    later = LaterArrivals()
    later.keeper = kept = Kept()
    await later.receipt(RECEIPT)
    await later.inbound(INBOUND)
    await later.part(PART)
    assert kept.arrived == [RECEIPT, INBOUND, PART]
