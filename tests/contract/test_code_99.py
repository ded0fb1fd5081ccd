"""Code 99 of every operation: nobody is there who could run it; what needs nobody is answered all the same."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import aiohttp

from deploy.local.process import wait_until
from deploy.local.roles import sees_nobody
from shared.contract.operation import AnyOperation, Credentials
from shared.contract.shape import shape_of
from tests.contract.accounts import Accounts
from tests.contract.calls import OPERATIONS, Calls
from tests.contract.case_formats import FORMATS
from tests.contract.gateways import another_gateway
from tests.contract.table import APART, UNAVAILABLE
from tests.contract.valid_requests import VALID
from tests.running import Account, Stack

_WORKERS = ("accounts", "conversations", "messages", "search", "delivery")
_ANSWERED_WITHIN_SECONDS = 5.0
# Secrets are still known while the accounts role is away.
_REMEMBERING = {"AUTHENTICATION_CACHE_SECONDS": "600"}


@contextmanager
def _stopped_workers(stack: Stack, gateway_health_port: int) -> Iterator[None]:
    roles = [stack.roles[name] for name in _WORKERS]
    try:
        for role in roles:
            role.stop()
        wait_until(partial(sees_nobody, gateway_health_port), "the gateway's notice that workers left", 30)
        yield
    finally:
        for role in roles:
            role.process.start()
        stack.wait_ready()


async def test_without_workers_every_operation_is_99_at_once(
    stack: Stack, accounts: Accounts, session: aiohttp.ClientSession, run_folder: Path
) -> None:
    account = await accounts.fresh()
    with another_gateway(stack, run_folder / "remembering", _REMEMBERING) as gateway:
        calls = Calls(session, stack, gateway.base_url)
        await calls.tree("conversations.get", account, {})
        await calls.code(OPERATIONS["user.login"], account, VALID["user.login"].required, "json")
        with _stopped_workers(stack, gateway.health_port):
            wrong = [await _wrong(calls, operation, account) for operation in APART[UNAVAILABLE]]
    assert not any(wrong), "\n".join(filter(None, wrong))


async def _wrong(calls: Calls, operation: AnyOperation, account: Account) -> str:
    required = any(field.required for field in shape_of(operation.request).fields)
    for form in FORMATS:
        async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
            found = await calls.answer(operation, account, VALID[operation.name].required, form)
            answered = FORMATS[form].read(operation, found.body), await calls.code(operation, account, {}, form)
        if answered != ({"errorCode": 99}, 2 if required or operation.rule else 99):
            return f"{operation.name} as {form}: {answered}"
        if operation.credentials is Credentials.ACCOUNT and "Retry-After" in found.headers:
            return f"{operation.name} as {form}: a time to come back, though the outcome is unknown"
    return ""
