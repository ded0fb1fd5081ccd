"""Rate limits: of an application, an account and a class of operations, and of a client address.

A call takes from all limits that it meets or, where one refuses it, from none. Several gateways count together in
Redis or Valkey where `limits_url` names one; what they cannot ask in time is decided by what this gateway counted.
"""

import math
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from services.gateway.shared_windows import SharedWindows
from services.gateway.windows import ACCEPTED, Ask, Memory, Standing, Verdict, Window
from shared.contract.faults import Fault, Refused
from shared.contract.operation import Bucket, Identity
from shared.metrics import answers
from shared.settings import Settings

_MINUTE = 60

Met = tuple[Window | None, object]


class LimitReached(Refused):
    """Code 98: nothing was done, and nothing will be for `retry_after` seconds; `headers` say so to the client."""

    def __init__(self, retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(Fault.TOO_MANY_REQUESTS)
        self.retry_after = retry_after
        self.headers = {**headers, "Retry-After": str(retry_after)}


class Limiter:
    """The limits of this gateway; as a context it shares them, where it is told where."""

    def __init__(self, settings: Settings) -> None:
        def window(name: str, quota: int, seconds: int) -> Window | None:
            return Window(name, quota, seconds) if settings.limits and quota else None

        seconds = settings.limit_account_seconds
        self._application = window("application", settings.limit_application_calls, settings.limit_application_seconds)
        self._account = window("account", settings.limit_account_calls, seconds)
        self._classes = {
            Bucket.READ: window("read", settings.limit_read_calls, seconds),
            Bucket.WRITE: window("write", settings.limit_write_calls, seconds),
            Bucket.SEND: window("send", settings.limit_send_calls, seconds),
        }
        self._logins = window("login", settings.limit_logins, _MINUTE)
        self._failures = window("failed-authentication", settings.limit_failed_authentications, _MINUTE)
        self._memory = Memory()
        self._shared = SharedWindows(settings.limits_url) if settings.limits and settings.limits_url else None

    async def __aenter__(self) -> Self:
        if self._shared is not None:
            await self._shared.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shared is not None:
            await self._shared.__aexit__(kind, error, trace)

    async def problem(self) -> str | None:
        """Return what keeps this gateway from sharing its limits."""
        if self._shared is None or self._shared.up:
            return None
        refused = self._shared.refused
        return "limits count in this gateway alone" + (f": {refused}" if refused else "")

    async def account(self, identity: Identity, bucket: Bucket) -> Mapping[str, str]:
        """Count a call of an account; return the headers that say where it stands, or raise `LimitReached`."""
        return await self._take(
            (self._application, identity.application_id),
            (self._account, identity.account_id),
            (self._classes.get(bucket), identity.account_id),
        )

    async def login(self, application_id: int, address: str) -> None:
        """Count a login; raises `LimitReached`."""
        await self._take((self._application, application_id), (self._logins, address))

    async def application(self, application_id: int) -> None:
        """Raise `LimitReached` when the application has no call left; a call that comes to nothing is not counted."""
        await self._decide(_asks((self._application, application_id), takes=False))

    def may_fail(self, address: str) -> None:
        """Raise `LimitReached` when the address has no failed authentication left, as far as this gateway knows."""
        asks = _asks((self._failures, address), takes=False)
        _refuse(asks, self._memory.take(asks) if asks else ACCEPTED)

    async def failed(self, address: str, application_id: int = 0) -> None:
        """Count a failed authentication, with a valid API key or without (0); raises `LimitReached`."""
        failures = _asks((self._failures, address))
        application = _asks((self._application, application_id), takes=False) if application_id else []
        await self._decide([*application, *failures])

    async def _take(self, *met: Met) -> Mapping[str, str]:
        return await self._decide(_asks(*met))

    async def _decide(self, asks: list[Ask]) -> Mapping[str, str]:
        if not asks:
            return {}
        verdict = await self._shared.take(asks) if self._shared is not None else None
        if verdict is None:
            verdict = self._memory.take(asks)
        else:
            self._note(asks, verdict)
        return _refuse(asks, verdict)

    def _note(self, asks: list[Ask], verdict: Verdict) -> None:
        # What was accepted, for when sharing ends; failures always, for who may fail is not asked elsewhere.
        for ask in asks:
            if ask.takes and (verdict.accepted or ask.window is self._failures):
                self._memory.take((ask,))


def _asks(*met: Met, takes: bool = True) -> list[Ask]:
    return [Ask(window, str(caller), takes) for window, caller in met if window is not None]


def _refuse(asks: list[Ask], verdict: Verdict) -> Mapping[str, str]:
    """Return the headers of an accepted call; raise for another."""
    headers = {
        "RateLimit": ", ".join(map(_standing, asks, verdict.standings)),
        "RateLimit-Policy": ", ".join(map(_policy, asks)),
    }
    if verdict.accepted:
        return headers
    standings = zip(asks, verdict.standings, strict=True)
    full = [(ask, standing) for ask, standing in standings if standing.used >= ask.window.quota]
    for ask, _ in full:
        answers.rate_limited(ask.window.name)
    raise LimitReached(max(_whole_seconds(standing) for _, standing in full), headers)


def _policy(ask: Ask) -> str:
    return f'"{ask.window.name}";q={ask.window.quota};w={ask.window.seconds}'


def _standing(ask: Ask, standing: Standing) -> str:
    left = max(0, ask.window.quota - standing.used)
    return f'"{ask.window.name}";r={left};t={_whole_seconds(standing)}'


def _whole_seconds(standing: Standing) -> int:
    # One more where it is whole already: at that very moment the oldest calls still count.
    return math.floor(standing.seconds) + 1
