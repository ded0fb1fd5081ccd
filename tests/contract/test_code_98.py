"""Code 98 of every operation: too many calls of an account, logins or failed authentications of an address."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from shared.contract.operation import AnyOperation, Credentials
from tests.contract.accounts import Accounts
from tests.contract.calls import Calls
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.exchange import Answer
from tests.contract.gateways import another_gateway
from tests.contract.table import APART, LIMITED
from tests.contract.valid_requests import VALID
from tests.running import Account, Stack

_QUOTA = 3
_MINUTE = 60
_LIMITS = {
    "LIMITS": "on",
    "LIMIT_ACCOUNT_CALLS": str(_QUOTA),
    "LIMIT_ACCOUNT_SECONDS": str(_MINUTE),
    "LIMIT_LOGINS": str(_QUOTA),
    "LIMIT_FAILED_AUTHENTICATIONS": str(_QUOTA),
    "TRUSTED_PROXIES": "127.0.0.1",
}
_addresses = (f"192.0.2.{number}" for number in count(1))
_FORMS = pytest.mark.parametrize("form", FORMATS)
_OPERATIONS = pytest.mark.parametrize("operation", APART[LIMITED], ids=lambda operation: operation.name)
_WITH_TOKEN = pytest.mark.parametrize(
    "operation",
    [each for each in APART[LIMITED] if each.credentials is Credentials.ACCOUNT],
    ids=lambda operation: operation.name,
)


@pytest.fixture(scope="module")
def base_url(stack: Stack, run_folder: Path) -> Iterator[str]:
    with another_gateway(stack, run_folder / "limited", _LIMITS) as role:
        yield role.base_url


@pytest.fixture
def calls(stack: Stack, session: aiohttp.ClientSession, base_url: str) -> Calls:
    return Calls(session, stack, base_url)


@pytest.fixture
def unlimited(stack: Stack, session: aiohttp.ClientSession) -> Calls:
    return Calls(session, stack)


class _Client:
    """One account's calls of one operation from an address that nobody else has."""

    def __init__(self, calls: Calls, operation: AnyOperation, account: Account, form: str) -> None:
        self._calls = calls
        self._operation = operation
        self._account = account
        self._form = form
        self._address = {"X-Forwarded-For": next(_addresses)}

    async def answer(self, tree: Tree) -> Answer:
        return await self._calls.answer(self._operation, self._account, tree, self._form, self._address)

    async def code(self, tree: Tree) -> int:
        return await self._calls.code(self._operation, self._account, tree, self._form, self._address)


@_FORMS
@_OPERATIONS
async def test_one_call_too_many_is_98_and_nothing_is_done(
    operation: AnyOperation, form: str, calls: Calls, unlimited: Calls, accounts: Accounts
) -> None:
    account, row = await accounts.fresh(), VALID[operation.name]
    client = _Client(calls, operation, account, form)
    assert [await client.code(row.required) for _ in range(_QUOTA)] == [row.code] * _QUOTA
    before = await unlimited.seen(account)
    refused = await client.answer(row.required)
    assert FORMATS[form].read(operation, refused.body) == {"errorCode": 98}
    assert 1 <= int(refused.headers["Retry-After"]) <= _MINUTE
    assert await client.code({}) == 98, "it comes before 2"
    assert await client.code({"apiKey": "unknown"}) == 600, "it comes after 600"
    assert await unlimited.seen(account) == before


@_FORMS
@_WITH_TOKEN
async def test_an_account_is_told_where_it_stands(
    operation: AnyOperation, form: str, calls: Calls, accounts: Accounts
) -> None:
    client = _Client(calls, operation, await accounts.fresh(), form)
    for left in (*range(_QUOTA - 1, -1, -1), 0):
        headers = (await client.answer(VALID[operation.name].required)).headers
        assert f'"account";r={left};t=' in headers["RateLimit"]
        assert f'"account";q={_QUOTA};w={_MINUTE}' in headers["RateLimit-Policy"]


@_FORMS
@_WITH_TOKEN
async def test_too_many_failed_authentications_of_an_address_are_98(
    operation: AnyOperation, form: str, calls: Calls, accounts: Accounts
) -> None:
    client = _Client(calls, operation, await accounts.fresh(), form)
    tree = VALID[operation.name].required
    codes = [await client.code({**tree, "authToken": f"unknown{number}"}) for number in range(_QUOTA)]
    assert codes == [100] * _QUOTA
    refused = await client.answer({**tree, "authToken": "unknown"})
    assert FORMATS[form].read(operation, refused.body) == {"errorCode": 98}
    assert 1 <= int(refused.headers["Retry-After"]) <= _MINUTE
