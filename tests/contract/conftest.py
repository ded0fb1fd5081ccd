"""What contract tests share: one HTTP session, accounts made in bulk, and callers that must not get in."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.contract.accounts import Accounts
from tests.contract.strangers import make_callers
from tests.contract.valid_requests import Callers
from tests.running import Stack


@pytest_asyncio.fixture(scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="session")
async def accounts(stack: Stack) -> Accounts:
    return Accounts(stack)


@pytest_asyncio.fixture(scope="session")
async def callers(stack: Stack, accounts: Accounts) -> Callers:
    """Return the callers of generated cases, the other ones disabled or of another application."""
    own, disabled = await accounts.fresh(), await accounts.fresh()
    return await asyncio.to_thread(make_callers, stack, own, disabled)


@pytest.fixture(autouse=True, scope="module")
def _service_is_back(request: pytest.FixtureRequest) -> None:
    """Begin each file when the service is ready: here nothing goes away but in a test that waits for it to return."""
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").wait_ready()
