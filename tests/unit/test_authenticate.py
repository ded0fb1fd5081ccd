"""What the gateway remembers of secrets, and when it forgets."""

import asyncio
from typing import Any, cast

import orjson
import pytest

from services.gateway.authenticate import Authenticator
from shared.bus.caller import Caller
from shared.contract.accounts import AuthenticateResponse
from shared.contract.writing import reply_tree

KNOWN = AuthenticateResponse(application_id=3, account_id=7)
UNKNOWN = AuthenticateResponse()


class Accounts:
    """Answers as the accounts role does, when it is let to."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    async def call(self, _operation: Any, request: dict[str, Any], *_: Any, **__: Any) -> bytes:
        await self.gate.wait()
        return orjson.dumps(reply_tree(KNOWN if request["authToken"] == "good" else UNKNOWN))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def authenticator(clock: Clock, accounts: Accounts) -> Authenticator:
    authenticator = Authenticator(cast("Caller", accounts), seconds=30, clock=clock)
    authenticator.on_hearing()
    return authenticator


async def test_a_known_token_is_remembered_for_30_seconds(authenticator: Authenticator, clock: Clock) -> None:
    assert await authenticator.look_up("key", "good", "t") == KNOWN
    clock.now += 29.9
    assert authenticator.remembered("key", "good") == KNOWN
    clock.now += 0.2
    assert authenticator.remembered("key", "good") is None


async def test_an_unknown_token_is_remembered_for_5_seconds(authenticator: Authenticator, clock: Clock) -> None:
    await authenticator.look_up("key", "bad", "t")
    assert authenticator.remembered("key", "bad") == UNKNOWN
    clock.now += 5.1
    assert authenticator.remembered("key", "bad") is None


@pytest.mark.parametrize("revoked", [(7, None), (None, 3)])
async def test_a_revocation_is_heard(authenticator: Authenticator, revoked: tuple[int | None, int | None]) -> None:
    await authenticator.look_up("key", "good", "t")
    authenticator.on_revoked(*revoked)
    assert authenticator.remembered("key", "good") is None


async def test_a_revocation_of_somebody_else_changes_nothing(authenticator: Authenticator) -> None:
    await authenticator.look_up("key", "good", "t")
    authenticator.on_revoked(8, None)
    assert authenticator.remembered("key", "good") == KNOWN


async def test_a_look_up_that_a_revocation_overtook_is_not_remembered(
    authenticator: Authenticator, accounts: Accounts
) -> None:
    accounts.gate.clear()
    look_up = asyncio.create_task(authenticator.look_up("key", "good", "t"))
    await asyncio.sleep(0)
    authenticator.on_revoked(8, None)
    accounts.gate.set()
    assert await look_up == KNOWN
    assert authenticator.remembered("key", "good") is None


async def test_nothing_remembered_is_used_while_revocations_are_not_heard(
    authenticator: Authenticator, clock: Clock
) -> None:
    await authenticator.look_up("key", "good", "t")
    authenticator.on_deaf()
    clock.now += 0.9
    assert authenticator.remembered("key", "good") == KNOWN
    clock.now += 0.2
    assert authenticator.remembered("key", "good") is None
    authenticator.on_hearing()
    assert authenticator.remembered("key", "good") is None


async def test_what_has_expired_takes_no_memory(authenticator: Authenticator, clock: Clock) -> None:
    for number in range(100):
        await authenticator.look_up("key", f"bad {number}", "t")
    clock.now += 31
    await authenticator.look_up("key", "good", "t")
    assert len(authenticator._entries) == 1  # noqa: SLF001 - memory is what this is about


async def test_many_secrets_take_no_more_memory_than_some(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.authenticate._ENTRIES", 10)
    for number in range(35):
        await authenticator.look_up("key", f"bad {number}", "t")
        assert len(authenticator._entries) <= 10  # noqa: SLF001 - memory is what this is about
