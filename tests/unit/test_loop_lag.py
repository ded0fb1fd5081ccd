"""The lag of the event loop is what it was held up for."""

import asyncio
import time

from prometheus_client import REGISTRY

from shared.loop_lag import measuring_lag


def late(bound: str) -> float:
    """Return how often a sleeper was woken more than `bound` seconds late."""
    every = REGISTRY.get_sample_value("usermessage_loop_lag_seconds_count", {"role": "tests"}) or 0.0
    within = REGISTRY.get_sample_value("usermessage_loop_lag_seconds_bucket", {"role": "tests", "le": bound}) or 0.0
    return every - within


async def test_what_holds_the_loop_up_is_seen() -> None:
    async with measuring_lag("tests"):
        await asyncio.sleep(0.05)
        time.sleep(0.8)  # noqa: ASYNC251 - what it is about
        await asyncio.sleep(0.3)
    assert late("0.5") == 1
