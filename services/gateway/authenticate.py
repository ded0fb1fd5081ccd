"""Authentication: whom the secrets in a body name, asked of the accounts role and remembered for a while.

An entry lives 30 s (an unknown secret 5 s). Revocations come as a broadcast; while it cannot be heard for more than
a second nothing remembered is used, and a look-up that a revocation overtook is not remembered.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from shared.bus.caller import Caller
from shared.contract.accounts import AUTHENTICATE, AuthenticateRequest, AuthenticateResponse
from shared.contract.operation import NOBODY
from shared.contract.reading import read_json
from shared.contract.writing import to_tree

_UNKNOWN_SECONDS = 5.0
_DEAF_SECONDS = 1.0
_SWEEP_SECONDS = 30.0
_ENTRIES = 200_000

Secrets = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Entry:
    found: AuthenticateResponse
    until: float


class Authenticator:
    """Looks up API keys and tokens; `clock` is monotonic seconds."""

    def __init__(self, caller: Caller, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._caller = caller
        self._seconds = seconds
        self._clock = clock
        self._entries: dict[Secrets, _Entry] = {}
        self._next_sweep = clock() + _SWEEP_SECONDS
        self._revocations = 0
        self._deaf_since: float | None = clock()

    def remembered(self, api_key: str, auth_token: str) -> AuthenticateResponse | None:
        """Return what is remembered of these secrets and still holds."""
        entry = self._entries.get((api_key, auth_token))
        now = self._clock()
        if entry is None or entry.until <= now or self._deaf(now):
            return None
        return entry.found

    async def look_up(
        self, api_key: str, auth_token: str, trace: str, deadline: float | None = None
    ) -> AuthenticateResponse:
        """Ask the accounts role whom these secrets name; raises `Refused` with 99 or 98 where it cannot answer."""
        began = self._revocations
        request = to_tree(AuthenticateRequest(api_key, auth_token))
        body = await self._caller.call(AUTHENTICATE, request, NOBODY, trace, deadline=deadline)
        found = read_json(AuthenticateResponse, orjson.loads(body))
        if self._revocations == began:
            self._remember((api_key, auth_token), found)
        return found

    def on_revoked(self, account_id: int | None, application_id: int | None) -> None:
        """Forget an account or an application."""
        self._revocations += 1
        self._entries = {
            secrets: entry
            for secrets, entry in self._entries.items()
            if entry.found.account_id != account_id and entry.found.application_id != application_id
        }

    def on_hearing(self) -> None:
        """Note that revocations are heard from now on: whatever was remembered before may be stale."""
        self._revocations += 1
        self._entries.clear()
        self._deaf_since = None

    def on_deaf(self) -> None:
        """Note that revocations are not heard any more."""
        self._deaf_since = self._clock()

    def _deaf(self, now: float) -> bool:
        return self._deaf_since is not None and now - self._deaf_since > _DEAF_SECONDS

    def _remember(self, secrets: Secrets, found: AuthenticateResponse) -> None:
        known = found.application_id and (found.account_id or not secrets[1])
        now = self._clock()
        self._forget_expired(now)
        if len(self._entries) >= _ENTRIES:
            self._entries.clear()
        self._entries[secrets] = _Entry(found, now + (self._seconds if known else _UNKNOWN_SECONDS))

    def _forget_expired(self, now: float) -> None:
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            self._entries = {secrets: entry for secrets, entry in self._entries.items() if entry.until > now}
