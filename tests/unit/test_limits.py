"""Limits: who is refused when, what a client is told, and that a refused call takes nothing elsewhere."""

import dataclasses
import re
from typing import Any

import pytest

from services.gateway.limits import Limiter, LimitReached
from shared.contract.faults import Fault
from shared.contract.operation import Bucket, Identity
from shared.settings import Settings

SETTINGS = Settings(limit_account_calls=3, limit_account_seconds=60, limit_logins=2, limit_failed_authentications=2)
ADDRESS = "192.0.2.1"


def who(account_id: int, application_id: int = 1) -> Identity:
    return Identity(account_id, application_id, None)


def limited(**settings: Any) -> Limiter:
    return Limiter(dataclasses.replace(SETTINGS, **settings))


async def calls(limiter: Limiter, identity: Identity, bucket: Bucket, count: int) -> int:
    """Return how many of so many calls were accepted."""
    accepted = 0
    for _ in range(count):
        try:
            await limiter.account(identity, bucket)
        except LimitReached:
            continue
        accepted += 1
    return accepted


async def test_an_account_is_refused_after_its_calls_and_others_are_not() -> None:
    limiter = limited()
    assert await calls(limiter, who(1), Bucket.READ, 3) == 3
    with pytest.raises(LimitReached) as reached:
        await limiter.account(who(1), Bucket.WRITE)
    assert reached.value.fault is Fault.TOO_MANY_REQUESTS
    assert 55 <= reached.value.retry_after <= 61
    assert await calls(limiter, who(2), Bucket.READ, 1) == 1


async def test_a_class_has_its_own_limit_inside_the_account() -> None:
    limiter = limited(limit_account_calls=5, limit_send_calls=2, limit_write_calls=4)
    assert await calls(limiter, who(1), Bucket.SEND, 9) == 2
    assert await calls(limiter, who(1), Bucket.READ, 1) == 1
    assert await calls(limiter, who(1), Bucket.WRITE, 9) == 2


async def test_an_application_is_refused_after_the_calls_of_all_its_accounts() -> None:
    limiter = limited(limit_application_calls=4)
    assert await calls(limiter, who(1), Bucket.READ, 3) == 3
    assert await calls(limiter, who(2), Bucket.READ, 3) == 1
    assert await calls(limiter, who(2, application_id=2), Bucket.READ, 1) == 1
    with pytest.raises(LimitReached):
        await limiter.application(1)
    with pytest.raises(LimitReached):
        await limiter.login(1, ADDRESS)
    with pytest.raises(LimitReached):
        await limiter.failed(ADDRESS, 1)


async def test_a_refused_call_takes_nothing_from_the_other_limits() -> None:
    limiter = limited(limit_application_calls=5)
    assert await calls(limiter, who(1), Bucket.READ, 50) == 3
    assert await calls(limiter, who(2), Bucket.READ, 3) == 2
    assert await calls(limiter, who(2, application_id=2), Bucket.READ, 3) == 1


async def test_what_comes_to_nothing_takes_nothing_from_the_application() -> None:
    limiter = limited(limit_application_calls=1, limit_failed_authentications=50)
    for _ in range(10):
        await limiter.failed(ADDRESS, 1)
        await limiter.application(1)
    assert await calls(limiter, who(1), Bucket.READ, 1) == 1


async def test_headers_tell_of_each_limit_that_applies() -> None:
    limiter = limited(limit_application_calls=9, limit_application_seconds=2, limit_read_calls=2)
    headers = await limiter.account(who(1), Bucket.READ)
    assert headers["RateLimit-Policy"] == '"application";q=9;w=2, "account";q=3;w=60, "read";q=2;w=60'
    assert re.fullmatch(r'"application";r=8;t=[23], "account";r=2;t=\d\d, "read";r=1;t=\d\d', headers["RateLimit"])
    headers = await limiter.account(who(1), Bucket.WRITE)
    assert headers["RateLimit-Policy"] == '"application";q=9;w=2, "account";q=3;w=60'


async def test_a_refusal_tells_the_same_and_when_to_come_back() -> None:
    limiter = limited(limit_read_calls=1)
    await limiter.account(who(1), Bucket.READ)
    with pytest.raises(LimitReached) as reached:
        await limiter.account(who(1), Bucket.READ)
    found = re.fullmatch(r'"account";r=2;t=(\d\d), "read";r=0;t=(\d\d)', reached.value.headers["RateLimit"])
    assert found is not None
    assert reached.value.headers["Retry-After"] == found[2]
    assert reached.value.headers["RateLimit-Policy"] == '"account";q=3;w=60, "read";q=1;w=60'


async def test_of_several_full_limits_the_longest_says_when_to_come_back() -> None:
    limiter = limited(limit_account_calls=1, limit_application_calls=1, limit_application_seconds=2)
    await limiter.account(who(1), Bucket.READ)
    with pytest.raises(LimitReached) as reached:
        await limiter.account(who(1), Bucket.READ)
    assert reached.value.retry_after > 50


async def test_logins_and_failures_count_by_address() -> None:
    limiter = limited()
    for _ in range(2):
        await limiter.login(1, ADDRESS)
        limiter.may_fail(ADDRESS)
        await limiter.failed(ADDRESS)
    with pytest.raises(LimitReached):
        await limiter.login(1, ADDRESS)
    with pytest.raises(LimitReached):
        limiter.may_fail(ADDRESS)
    await limiter.login(1, "192.0.2.2")
    limiter.may_fail("192.0.2.2")


async def test_a_limit_of_none_is_none() -> None:
    limiter = limited(limit_account_calls=0, limit_logins=0, limit_failed_authentications=0)
    assert await limiter.account(who(1), Bucket.READ) == {}
    for _ in range(200):
        await limiter.login(1, ADDRESS)
        await limiter.failed(ADDRESS)
        limiter.may_fail(ADDRESS)


async def test_switched_off_nothing_is_refused_or_told() -> None:
    limiter = limited(limits=False, limit_application_calls=1)
    for _ in range(10):
        assert await limiter.account(who(1), Bucket.READ) == {}
        await limiter.login(1, ADDRESS)
