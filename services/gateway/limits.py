"""Rate limits: sliding windows for each account, for logins and for failed authentications of each client address."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from services.gateway.limit_storage import SweptMemory
from shared.contract.faults import Fault, Refused
from shared.settings import Settings


class LimitReached(Refused):
    """Code 98: nothing was done, and nothing will be for `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(Fault.TOO_MANY_REQUESTS)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name in `RateLimit` headers, and its window."""

    name: str
    window: RateLimitItem

    @property
    def policy(self) -> str:
        """The limit as an item of the `RateLimit-Policy` header."""
        return f'"{self.name}";q={self.window.amount};w={self.window.get_expiry()}'


class Limiter:
    """The limits of this gateway, in its memory."""

    def __init__(self, settings: Settings) -> None:
        self._strategy = SlidingWindowCounterRateLimiter(SweptMemory())
        calls = RateLimitItemPerSecond(settings.limit_account_calls, settings.limit_account_seconds)
        self._account = Limit("account", calls)
        self._logins = Limit("login", RateLimitItemPerMinute(settings.limit_logins))
        self._failures = Limit("failed-authentication", RateLimitItemPerMinute(settings.limit_failed_authentications))
        self._enabled = settings.limits

    async def login(self, address: str) -> None:
        """Count a login of a client address; raises `LimitReached`."""
        await self._hit(self._logins, address)

    async def failed(self, address: str) -> None:
        """Count a failed authentication of a client address; raises `LimitReached`."""
        await self._hit(self._failures, address)

    async def may_fail(self, address: str) -> None:
        """Raise `LimitReached` when the address has no failed authentication left."""
        if self._enabled and not await self._strategy.test(self._failures.window, self._failures.name, address):
            raise LimitReached(await self._seconds_left(self._failures, address))

    async def account(self, account_id: int) -> None:
        """Count a call of an account; raises `LimitReached`."""
        await self._hit(self._account, str(account_id))

    async def headers(self, account_id: int) -> Mapping[str, str]:
        """Return the headers that tell a client where its account stands."""
        if not self._enabled:
            return {}
        limit = self._account
        stats = await self._strategy.get_window_stats(limit.window, limit.name, str(account_id))
        left = _whole_seconds(stats.reset_time)
        return {"RateLimit": f'"{limit.name}";r={stats.remaining};t={left}', "RateLimit-Policy": limit.policy}

    async def _hit(self, limit: Limit, identifier: str) -> None:
        if self._enabled and not await self._strategy.hit(limit.window, limit.name, identifier):
            raise LimitReached(await self._seconds_left(limit, identifier))

    async def _seconds_left(self, limit: Limit, identifier: str) -> int:
        stats = await self._strategy.get_window_stats(limit.window, limit.name, identifier)
        return _whole_seconds(stats.reset_time)


def _whole_seconds(until: float) -> int:
    # The library tells the time of day, so this cannot be a monotonic clock.
    return max(1, math.ceil(until - time.time()))
