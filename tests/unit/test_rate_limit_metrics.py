"""A refused call is counted for each limit that had no room for it."""

import pytest
from prometheus_client import REGISTRY

from services.gateway.limits import Limiter, LimitReached
from shared.contract.operation import Bucket, Identity
from shared.settings import Settings


def refused(limit: str) -> float:
    return REGISTRY.get_sample_value("usermessage_rate_limited_total", {"limit": limit}) or 0.0


async def test_a_refused_call_is_counted_by_its_limit() -> None:
    limiter = Limiter(Settings(limit_account_calls=2, limit_read_calls=1))
    before = refused("account"), refused("read")
    await limiter.account(Identity(1, 1, None), Bucket.READ)
    with pytest.raises(LimitReached):
        await limiter.account(Identity(1, 1, None), Bucket.READ)
    assert (refused("account") - before[0], refused("read") - before[1]) == (0, 1)
    await limiter.account(Identity(1, 1, None), Bucket.WRITE)
    with pytest.raises(LimitReached):
        await limiter.account(Identity(1, 1, None), Bucket.READ)
    assert (refused("account") - before[0], refused("read") - before[1]) == (1, 2)


async def test_a_failed_login_has_a_limit_of_its_own() -> None:
    limiter = Limiter(Settings(limit_failed_authentications=1))
    before = refused("failed-authentication")
    await limiter.failed("192.0.2.1")
    with pytest.raises(LimitReached):
        limiter.may_fail("192.0.2.1")
    assert refused("failed-authentication") - before == 1
