"""Arrivals for carriers that are made before what keeps them."""

from services.delivery.carriers.carrier import Arrivals, Inbound, InboundPart, Receipt
from shared.contract.faults import Away


class LaterArrivals:
    """Hands on to `keeper`; until there is one nothing can be kept."""

    def __init__(self) -> None:
        self.keeper: Arrivals | None = None

    async def receipt(self, receipt: Receipt) -> None:
        await self._keeper().receipt(receipt)

    async def inbound(self, inbound: Inbound) -> None:
        await self._keeper().inbound(inbound)

    async def part(self, part: InboundPart) -> None:
        await self._keeper().part(part)

    def _keeper(self) -> Arrivals:
        if self.keeper is None:
            raise Away("nobody keeps arrivals yet")
        return self.keeper
