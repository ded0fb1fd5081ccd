"""Safe retries: a repeated write with its Idempotency-Key gives the first answer and has no second effect."""

from collections.abc import Mapping

import aiohttp
import pytest

from shared.contract.operation import AnyOperation
from shared.contract.scalars import ADDRESS, BOOLEAN, INT, LONG
from shared.contract.shape import Field, shape_of
from tests.contract.accounts import Accounts
from tests.contract.calls import Calls, aimed
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.table import APART, RETRIES
from tests.contract.valid_requests import PUBLIC, VALID
from tests.running import Stack

_NO_KEYS = ("", " ", "a b", "a\tb", "k" * 256, "sch\u00fcssel")
_KEYS = ("k", "k" * 255, "!~", '"quoted"')
_IGNORED = [each for each in PUBLIC if not each.takes_key]


def _with_key(key: str) -> Mapping[str, str]:
    return {"Idempotency-Key": key}


@pytest.fixture
def calls(stack: Stack, session: aiohttp.ClientSession) -> Calls:
    return Calls(session, stack)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("operation", APART[RETRIES], ids=lambda operation: operation.name)
async def test_a_repeat_is_answered_as_the_first_and_does_nothing(
    operation: AnyOperation, form: str, calls: Calls, accounts: Accounts
) -> None:
    account = await accounts.fresh()
    tree = aimed(VALID[operation.name].required, await calls.furnished(account))
    first = await calls.answer(operation, account, tree, form, _with_key("first"))
    assert FORMATS[form].read(operation, first.body)["errorCode"] == 0
    after = await calls.seen(account)
    for again in FORMATS:
        repeated = await calls.answer(operation, account, tree, again, _with_key("first"))
        assert FORMATS[again].read(operation, repeated.body) == FORMATS[form].read(operation, first.body)
    other = await calls.answer(operation, account, _changed(operation, tree), form, _with_key("first"))
    assert (other.status, other.headers["Content-Type"].partition(";")[0]) == (422, "text/plain")
    assert await calls.seen(account) == after


@pytest.mark.parametrize("operation", APART[RETRIES], ids=lambda operation: operation.name)
async def test_what_cannot_be_a_key_is_400_and_nothing_is_done(
    operation: AnyOperation, calls: Calls, accounts: Accounts
) -> None:
    account = await accounts.fresh()
    tree = aimed(VALID[operation.name].required, await calls.furnished(account))
    before = await calls.seen(account)
    for form in FORMATS:
        for key in _NO_KEYS:
            assert (await calls.answer(operation, account, tree, form, _with_key(key))).status == 400, key
    assert await calls.seen(account) == before


@pytest.mark.parametrize("operation", APART[RETRIES], ids=lambda operation: operation.name)
async def test_every_visible_text_is_a_key(operation: AnyOperation, calls: Calls, accounts: Accounts) -> None:
    account = await accounts.fresh()
    for key in _KEYS:
        tree = aimed(VALID[operation.name].required, await calls.furnished(account))
        assert await calls.code(operation, account, tree, "json", _with_key(key)) == 0, key


@pytest.mark.parametrize("operation", APART[RETRIES], ids=lambda operation: operation.name)
async def test_a_key_counts_for_its_account_and_only_after_success(
    operation: AnyOperation, calls: Calls, accounts: Accounts
) -> None:
    for account in (await accounts.fresh(), await accounts.fresh()):
        tree = aimed(VALID[operation.name].required, await calls.furnished(account))
        empty = {key: None for key in tree if key != "force"}
        if any(field.required for field in shape_of(operation.request).fields):
            assert await calls.code(operation, account, empty, "json", _with_key("mine")) == 2
        assert await calls.code(operation, account, tree, "json", _with_key("mine")) == 0


@pytest.mark.parametrize("operation", _IGNORED, ids=lambda operation: operation.name)
async def test_other_calls_ignore_the_header(operation: AnyOperation, calls: Calls, accounts: Accounts) -> None:
    account = await accounts.fresh()
    row = VALID[operation.name]
    for tree in (row.required, {**row.required, **row.optional}):
        assert await calls.code(operation, account, tree, "json", _with_key("same")) == row.code


def _changed(operation: AnyOperation, tree: Tree) -> Tree:
    """Return another request of the operation, valid too."""
    field = next(each for each in shape_of(operation.request).fields)
    return {**tree, field.wire: _other(field, tree.get(field.wire))}


def _other(field: Field, value: object) -> object:
    if field.many and isinstance(value, list):
        return [*value, *value]
    if field.kind in (INT, LONG):
        return int(str(value or 0)) + 1
    assert field.kind in (ADDRESS, BOOLEAN), field
    return "Somebody else"
