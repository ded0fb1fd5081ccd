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


class Unheard:
    """Takes everything for new, and keeps what it is told; fails with the errors that it has."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.errors: list[Exception] = []
        self._ids = 0

    async def id_of(self, carrier: str, said: str, link: str) -> str:
        self._tell("came", carrier, said, link)
        self._ids += 1
        return f"id-{self._ids}"

    async def answered(self, carrier: str, said: str, inbound_id: str, ago_ms: int, *, kept: bool) -> None:
        assert carrier
        assert said
        assert 0 <= ago_ms < 60_000
        self._tell("kept" if kept else "refused", inbound_id)

    async def ended(self, link: str) -> None:
        self._tell("ended", link)

    def _tell(self, *told: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.told.append(told)


def place(receipt_url: str = "") -> Place:
    return Place(receipt_url, Nobody(), References(), FreeLeases(), Unheard())
