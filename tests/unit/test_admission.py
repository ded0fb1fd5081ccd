"""The order of checks: 600, 98 of application and address, 100, 97, 98 of the account."""

from typing import Any, cast

import pytest

from services.gateway.admission import Admission
from services.gateway.authenticate import Authenticator
from services.gateway.limits import Limiter
from shared.contract.accounts import LOGIN, AuthenticateRequest, AuthenticateResponse
from shared.contract.conversations import GET
from shared.contract.faults import Refused
from shared.contract.operation import AnyOperation, Bucket, Identity
from shared.settings import Settings

ADDRESS = "192.0.2.1"
FOUND = {
    ("unknown", ""): AuthenticateResponse(),
    ("key", "bad"): AuthenticateResponse(application_id=1),
    ("key", "good"): AuthenticateResponse(application_id=1, account_id=7),
    ("key", "disabled"): AuthenticateResponse(application_id=1, account_id=8, account_disabled=True),
    ("off", ""): AuthenticateResponse(application_id=2, application_disabled=True),
    ("key", ""): AuthenticateResponse(application_id=1),
}


class Secrets:
    """Knows these secrets; remembers those that were looked up, if it is told to."""

    def __init__(self, *, remembers: bool) -> None:
        self._remembers = remembers
        self._looked_up: set[tuple[str, str]] = set()

    def remembered(self, api_key: str, auth_token: str) -> AuthenticateResponse | None:
        return FOUND[api_key, auth_token] if (api_key, auth_token) in self._looked_up else None

    async def look_up(self, api_key: str, auth_token: str, *_: Any) -> AuthenticateResponse:
        if self._remembers:
            self._looked_up.add((api_key, auth_token))
        return FOUND[api_key, auth_token]


class Gate:
    def __init__(self, *, remembers: bool = True, **settings: Any) -> None:
        self.limiter = Limiter(Settings(**settings))
        self._admission = Admission(cast("Authenticator", Secrets(remembers=remembers)), self.limiter)

    async def codes(self, api_key: str, token: str = "", *, times: int = 1, operation: AnyOperation = GET) -> list[int]:
        return [await self._code(operation, AuthenticateRequest(api_key, token)) for _ in range(times)]

    async def use_up_application(self) -> None:
        await self.limiter.account(Identity(99, 1, None), Bucket.READ)

    async def _code(self, operation: AnyOperation, secrets: AuthenticateRequest) -> int:
        try:
            await self._admission.admit(operation, secrets, ADDRESS, "trace", 0.0)
        except Refused as refused:
            return int(refused.fault)
        return 0


async def test_an_api_key_known_to_be_wrong_is_600_before_any_limit() -> None:
    gate = Gate(limit_failed_authentications=2)
    assert await gate.codes("unknown", times=4) == [600] * 4
    assert await gate.codes("", times=1) == [600]


@pytest.mark.parametrize("secrets", [("unknown", ""), ("key", "bad"), ("key", "good"), ("off", "")])
async def test_an_address_without_failures_left_has_nothing_looked_up(secrets: tuple[str, str]) -> None:
    gate = Gate(remembers=False, limit_failed_authentications=2)
    assert await gate.codes("key", "bad", times=3) == [100, 100, 98]
    assert await gate.codes(*secrets) == [98]


async def test_98_of_the_address_comes_before_100() -> None:
    gate = Gate(limit_failed_authentications=2)
    assert await gate.codes("key", "bad", times=4) == [100, 100, 98, 98]


async def test_a_remembered_token_goes_on_at_an_address_without_failures_left() -> None:
    gate = Gate(limit_failed_authentications=1)
    assert await gate.codes("key", "good") == [0]
    assert await gate.codes("key", "bad", times=2) == [100, 98]
    assert await gate.codes("key", "good") == [0]


@pytest.mark.parametrize("token", ["bad", "disabled"])
async def test_98_of_the_application_comes_before_100_and_97(token: str) -> None:
    gate = Gate(limit_application_calls=1, limit_application_seconds=60)
    assert await gate.codes("key", token) != [98]
    await gate.use_up_application()
    assert await gate.codes("key", token) == [98]


async def test_97_comes_before_98_of_the_account() -> None:
    gate = Gate(limit_account_calls=1, limit_account_seconds=60)
    assert await gate.codes("key", "disabled", times=3) == [97] * 3


async def test_98_of_application_and_address_comes_before_97_at_login() -> None:
    gate = Gate(limit_logins=2)
    assert await gate.codes("off", times=3, operation=LOGIN) == [97, 97, 98]
    assert await gate.codes("key", operation=LOGIN) == [98]
