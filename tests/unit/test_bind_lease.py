"""A slot's lease is over by the clock, even where a process that stood still has not come to tell it."""

import asyncio
import time

from services.delivery.binds import BindLease


async def released(_: BindLease) -> None:
    """Give nothing back."""


async def test_a_lease_is_over_before_anybody_is_told() -> None:
    lease = BindLease("one", 0, "us", released, unbind_seconds=3.0)
    lease.last(asyncio.get_running_loop().time() + 0.05)
    assert not lease.is_over
    # The whole process stands still.
    time.sleep(0.1)  # noqa: ASYNC251
    assert not lease.lost.is_set()
    assert lease.is_over


async def test_a_lease_that_is_somebody_elses_is_over() -> None:
    lease = BindLease("one", 0, "us", released, unbind_seconds=3.0)
    lease.last(asyncio.get_running_loop().time() + 60)
    lease.lost.set()
    assert lease.is_over
    lease.stop()
