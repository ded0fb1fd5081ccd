"""An SMPP carrier of ours for tests, and what it brought."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt, Submission
from services.delivery.carriers.place import Leases, Place
from services.delivery.carriers.smpp.carrier import Smpp
from services.delivery.carriers.smpp.options import SmppOptions
from tests.free_leases import FreeLeases
from tests.unit.carrier_place import References, Unheard

SENDER = "436990000001"
RECIPIENT = "436990000002"


class Kept:
    """Keeps what arrives, when it may, or fails with the errors that it has."""

    def __init__(self) -> None:
        self.arrived: list[Receipt | Inbound | InboundPart] = []
        self.errors: list[Exception] = []
        self.may = asyncio.Event()
        self.may.set()

    async def receipt(self, receipt: Receipt) -> None:
        await self._keep(receipt)

    async def inbound(self, inbound: Inbound) -> None:
        await self._keep(inbound)

    async def part(self, part: InboundPart) -> None:
        await self._keep(part)

    async def _keep(self, thing: Receipt | Inbound | InboundPart) -> None:
        await self.may.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.arrived.append(thing)


def options(port: int, **more: Any) -> SmppOptions:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMPP_PASSWORD", "longer than 8")
        return SmppOptions.model_validate(
            {"kind": "smpp", "host": "127.0.0.1", "port": port, "system_id": "us", "password": "env:SMPP_PASSWORD"}
            | {"rate": 1000.0, "answer_seconds": 2.0}
            | more
        )


def submission(text: str = "a text", job_id: int = 3, **more: Any) -> Submission:
    expires_at = more.pop("expires_at", round(time.time() * 1000) + 3_600_000)
    return Submission(1, 2, job_id, SENDER, RECIPIENT, text, 0, expires_at)._replace(**more)


async def until_open(carrier: Smpp, *, is_open: bool = True) -> None:
    async with asyncio.timeout(10):
        while carrier.open is not is_open:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@asynccontextmanager
async def smpp_carrier(port: int, kept: Kept, leases: Leases | None = None, **more: Any) -> AsyncIterator[Smpp]:
    """Yield a carrier; it binds as soon as there is somebody at the port."""
    where = Place("", kept, References(), leases or FreeLeases(), Unheard())
    carrier = Smpp("one", options(port, **more), where)
    carrier.start()
    try:
        yield carrier
    finally:
        await carrier.close()
