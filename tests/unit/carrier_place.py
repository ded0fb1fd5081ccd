"""Where carriers of tests stand: nobody keeps what they bring, and job 3 is called `here-3`."""

from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt
from services.delivery.carriers.place import Place
from tests.free_leases import FreeLeases


class Nobody:
    """Keeps nothing."""

    async def receipt(self, _: Receipt) -> None:
        raise AssertionError

    async def inbound(self, _: Inbound) -> None:
        raise AssertionError

    async def part(self, _: InboundPart) -> None:
        raise AssertionError


class References:
    """Calls jobs by their numbers; fails with an error when told."""

    error: Exception | None = None

    async def of(self, job_id: int) -> str:
        if self.error:
            raise self.error
        return f"here-{job_id}"


def place(receipt_url: str = "") -> Place:
    return Place(receipt_url, Nobody(), References(), FreeLeases())
