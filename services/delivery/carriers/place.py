"""Where a carrier stands: what it needs of the delivery role beside its own options."""

from typing import NamedTuple, Protocol

from services.delivery.carriers.carrier import Arrivals


class References(Protocol):
    """What jobs are called to carriers, the same at each try; raises `Away` where nobody knows it at the moment."""

    async def of(self, job_id: int) -> str: ...


class Place(NamedTuple):
    """Where receipts of a carrier come by HTTP, who keeps what it brings over a link of its own, and names of jobs."""

    receipt_url: str
    arrivals: Arrivals
    references: References
