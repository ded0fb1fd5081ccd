"""Our SMPP session alone: one task for each place in the window, each submitting as soon as it may."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.delivery.carriers.carrier import Accepted, Inbound, InboundPart, Receipt, Submission
from services.delivery.carriers.place import Place
from services.delivery.carriers.smpp.carrier import Smpp
from services.delivery.carriers.smpp.options import SmppOptions
from tests.bench.scenarios import TEXT
from tests.free_leases import FreeLeases
from tests.unit.carrier_place import Unheard

_DAY_MS = 86_400_000


class _Nothing:
    """Keeps nothing: this carrier brings nothing. Jobs are called by their numbers."""

    async def receipt(self, _: Receipt) -> None:
        raise NotImplementedError

    async def inbound(self, _: Inbound) -> None:
        raise NotImplementedError

    async def part(self, _: InboundPart) -> None:
        raise NotImplementedError

    async def of(self, job_id: int) -> str:
        return str(job_id)


@asynccontextmanager
async def bound(options: SmppOptions) -> AsyncIterator[Smpp]:
    """Yield a carrier that is bound."""
    nothing = _Nothing()
    carrier = Smpp("direct", options, Place("", nothing, nothing, FreeLeases(), Unheard()))
    carrier.start()
    try:
        async with asyncio.timeout(10):
            while not carrier.open:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        yield carrier
    finally:
        await carrier.close()


async def rate(carrier: Smpp, seconds: float) -> float:
    """Return how many were accepted a second."""
    expires_at = round(time.time() * 1000) + _DAY_MS
    submission = Submission(1, 2, 3, "436990000001", "436990009000", TEXT, 0, expires_at)
    end = time.perf_counter() + seconds
    accepted = 0

    async def submit() -> None:
        nonlocal accepted
        while time.perf_counter() < end:
            outcome = await carrier.submit(submission)
            assert isinstance(outcome, Accepted), outcome
            accepted += 1

    await asyncio.gather(*(submit() for _ in range(carrier.window)))
    return accepted / seconds
