"""Limits: who is refused when, what a client is told, and that counting stays cheap with many accounts."""

import dataclasses
import time

import pytest

from services.gateway.limit_storage import SweptMemory
from services.gateway.limits import Limiter, LimitReached
from shared.contract.faults import Fault
from shared.settings import Settings

SETTINGS = Settings(limit_account_calls=3, limit_account_seconds=60, limit_logins=2, limit_failed_authentications=2)


async def test_an_account_is_refused_after_its_calls_and_others_are_not() -> None:
    limiter = Limiter(SETTINGS)
    for _ in range(3):
        await limiter.account(1)
    with pytest.raises(LimitReached) as reached:
        await limiter.account(1)
    assert reached.value.fault is Fault.TOO_MANY_REQUESTS
    assert 1 <= reached.value.retry_after <= 60
    await limiter.account(2)


async def test_headers_tell_what_remains() -> None:
    limiter = Limiter(SETTINGS)
    await limiter.account(1)
    headers = await limiter.headers(1)
    assert headers["RateLimit-Policy"] == '"account";q=3;w=60'
    assert headers["RateLimit"].startswith('"account";r=2;t=')


async def test_logins_and_failures_count_by_address() -> None:
    limiter = Limiter(SETTINGS)
    for _ in range(2):
        await limiter.login("192.0.2.1")
        await limiter.failed("192.0.2.1")
    with pytest.raises(LimitReached):
        await limiter.login("192.0.2.1")
    with pytest.raises(LimitReached):
        await limiter.may_fail("192.0.2.1")
    await limiter.login("192.0.2.2")
    await limiter.may_fail("192.0.2.2")


async def test_switched_off_nothing_is_refused_or_told() -> None:
    limiter = Limiter(dataclasses.replace(SETTINGS, limits=False))
    for _ in range(10):
        await limiter.account(1)
        await limiter.login("192.0.2.1")
    assert await limiter.headers(1) == {}


async def test_what_has_ended_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = SweptMemory()
    for number in range(1000):
        await storage.incr(f"key-{number}", 5)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert await storage.incr("another", 5) == 1
    assert set(storage.storage) == {"another"}
