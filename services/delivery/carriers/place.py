"""Where a carrier stands: what it needs of the delivery role beside its own options."""

import asyncio
from typing import NamedTuple, Protocol

from services.delivery.carriers.carrier import Arrivals


class References(Protocol):
    """What jobs are called to carriers, the same at each try; raises `Away` where nobody knows it at the moment."""

    async def of(self, job_id: int) -> str: ...


class Lease(Protocol):
    """One of a carrier's slots, which nobody else holds until `lost` is set or it is released."""

    @property
    def slot(self) -> int: ...

    @property
    def lost(self) -> asyncio.Event: ...

    @property
    def is_over(self) -> bool:
        """Whether others may have the slot, though nobody may have been told yet."""

    @property
    def unbind_seconds(self) -> float:
        """From the moment in which it is lost until others may have the slot."""

    async def release(self) -> None: ...


class Leases(Protocol):
    """Who may have a link of a carrier that allows only so many, of all workers together."""

    async def hold(self, carrier: str, slots: int) -> Lease | None:
        """Hold one of the slots from 0, which this process may hold several of; none where all are taken.

        Raise nothing: where nobody can say which are taken, none is free.
        """


class Heard(Protocol):
    """What came before of carriers that give messages no ids, for all workers; raises `DatabaseError`."""

    async def id_of(self, carrier: str, said: str, link: str) -> str:
        """Return what a message is called that says this, by its digest, and comes over a link now."""

    async def answered(self, carrier: str, said: str, inbound_id: str, ago_ms: int, *, kept: bool) -> None:
        """Note that the carrier was told, so long ago, that it is kept, or is not and may be brought again."""

    async def ended(self, link: str) -> None: ...


class Place(NamedTuple):
    """What a carrier needs beside its options.

    Where its receipts come by HTTP, who keeps what it brings over a link of its own, names of jobs, slots of links, and
    what came before.
    """

    receipt_url: str
    arrivals: Arrivals
    references: References
    leases: Leases
    heard: Heard
