"""A process that holds a slot of a carrier until it is killed; its arguments are a database and the carrier."""

import asyncio
import sys

from services.delivery.binds import BindLeases, terms_of
from shared.postgres.pool import Database
from shared.settings import Settings


async def _hold(url: str, carrier: str) -> None:
    async with Database(url, 2, name="holder") as database:
        leases = BindLeases(database, terms_of(Settings().delivery_bind_seconds))
        async with leases.running():
            lease = await leases.hold(carrier, 1)
            print("none" if lease is None else lease.slot, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_hold(*sys.argv[1:]))
