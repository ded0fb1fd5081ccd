"""The tenant matrix: every operation with another account's ids answers as with unknown ones, and touches nothing."""

import re
from typing import Any

import aiohttp
import pytest

from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS
from shared.contract.shape import shape_of
from tests.contract.accounts import Accounts
from tests.contract.calls import UNKNOWN, Calls, Targets, aimed
from tests.contract.case_formats import FORMATS
from tests.contract.exchange import Answer
from tests.contract.table import APART, TENANTS
from tests.contract.valid_requests import PUBLIC, VALID, Callers
from tests.running import Account, Stack

_FORMS = pytest.mark.parametrize("form", FORMATS)
_OPERATIONS = pytest.mark.parametrize("operation", APART[TENANTS], ids=lambda operation: operation.name)
# Ids and addresses that name nothing which an account owns.
_NOT_OWNED = {"smsConnectorId", "pushRegistrationId", "recipients"}
# A new id is new each time.
_NEW_ID = re.compile(rb'("deviceId":|<deviceId>)[0-9]+')


@pytest.fixture
def calls(stack: Stack, session: aiohttp.ClientSession) -> Calls:
    return Calls(session, stack)


@_FORMS
@_OPERATIONS
async def test_foreign_ids_are_as_unknown_ones(
    operation: AnyOperation, form: str, calls: Calls, accounts: Accounts
) -> None:
    owner, stranger, other = [await accounts.fresh() for _ in range(3)]
    theirs = await calls.furnished(owner)
    before = await calls.seen(owner)
    foreign = await _asked(calls, operation, stranger, theirs, form)
    unknown = await _asked(calls, operation, other, UNKNOWN, form)
    assert await calls.seen(owner) == before
    assert foreign == unknown


@_FORMS
@_OPERATIONS
async def test_one_s_own_ids_are_nobody_else_s(
    operation: AnyOperation, form: str, calls: Calls, accounts: Accounts
) -> None:
    owner, neighbour = await accounts.fresh(), await accounts.fresh()
    theirs, own = await calls.furnished(owner), await calls.furnished(neighbour)
    assert (theirs.message_id, theirs.address) == (own.message_id, own.address)
    before = await calls.seen(owner)
    code = await calls.code(operation, neighbour, aimed(_every_field(operation), own), form)
    assert code == 0
    assert await calls.seen(owner) == before


@_FORMS
@_OPERATIONS
async def test_a_token_with_another_application_s_key_is_as_an_unknown_one(
    operation: AnyOperation, form: str, calls: Calls, accounts: Accounts, callers: Callers
) -> None:
    owner = await accounts.fresh()
    theirs = await calls.furnished(owner)
    before = await calls.seen(owner)
    tree = {**aimed(_every_field(operation), theirs), "apiKey": callers.other_api_key}
    unknown = await calls.answer(operation, owner, {**tree, "authToken": "unknown"}, form)
    assert _comparable(await calls.answer(operation, owner, tree, form)) == _comparable(unknown)
    assert await calls.seen(owner) == before


def test_every_id_is_aimed_at_somebody_else() -> None:
    aimed_at = aimed(dict.fromkeys(_names(), None), UNKNOWN)
    assert {name for name, value in aimed_at.items() if value is None} == _NOT_OWNED


def _names() -> set[str]:
    fields = [each for operation in PUBLIC for each in shape_of(operation.request).fields]
    return {each.wire for each in fields if each.kind is ADDRESS or each.wire.endswith(("Id", "Ids"))}


def _every_field(operation: AnyOperation) -> dict[str, Any]:
    row = VALID[operation.name]
    return {**row.required, **row.optional}


async def _asked(calls: Calls, operation: AnyOperation, account: Account, targets: Targets, form: str) -> object:
    return _comparable(await calls.answer(operation, account, aimed(_every_field(operation), targets), form))


def _comparable(answer: Answer) -> object:
    headers = {name: value for name, value in answer.headers.items() if name not in {"Date", "Content-Length"}}
    return answer.status, headers, _NEW_ID.sub(b"", answer.body)
