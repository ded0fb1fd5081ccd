"""Login and revocation through gateway, broker and accounts role."""

import asyncio
import json
import time
from typing import Any
from urllib.request import Request, urlopen

import pytest

from deploy.local.commands import usermessage
from tests.running import Account, Stack

NOBODYS = 436999999999


def call(stack: Stack, path: str, **fields: object) -> dict[str, Any]:
    body = json.dumps({"apiKey": stack.api_key} | fields).encode()
    request = Request(f"{stack.base_url}/json/user/{path}", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read()))


def login(stack: Stack, account: Account, password: str | None = None, **fields: object) -> dict[str, Any]:
    return call(stack, "login", msisdn=account.msisdn, password=password or account.password, **fields)


def code_with(stack: Stack, token: str) -> int:
    return int(call(stack, "message/conversations/get", authToken=token)["errorCode"])


def wait_for_code(stack: Stack, token: str, code: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (found := code_with(stack, token)) != code:
        assert time.monotonic() < end, f"still {found}"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def seen(stack: Stack) -> None:
    """Wait until the gateway sees the accounts role: it looks once a second, and answers 99 before."""
    end = time.monotonic() + 5
    while call(stack, "login", msisdn=NOBODYS, password="x")["errorCode"] == 99:
        assert time.monotonic() < end
        time.sleep(0.05)


async def test_login_answers_a_token_that_works_and_older_ones_go_on(stack: Stack) -> None:
    account = await stack.account()
    answer = login(stack, account, key="installation", checkKey=False)
    assert answer == {"errorCode": 0, "authToken": answer["authToken"]}
    assert answer["authToken"] != account.auth_token
    assert [code_with(stack, token) for token in (answer["authToken"], account.auth_token)] == [0, 0]


async def test_login_answers_each_refusal_with_its_code_alone(stack: Stack) -> None:
    account = await stack.account()
    assert login(stack, account, "wrong") == {"errorCode": 101}
    assert call(stack, "login", msisdn=NOBODYS, password="x") == {"errorCode": 107}
    assert call(stack, "login", msisdn=account.msisdn, password="") == {"errorCode": 2}
    assert login(stack, account, apiKey="unknown") == {"errorCode": 600}


async def test_a_disabled_account_and_a_revoked_token_are_refused_within_a_second(stack: Stack) -> None:
    account = await stack.account()
    assert code_with(stack, account.auth_token) == 0
    usermessage(stack.settings_env, "accounts", "disable", f"+{account.msisdn}")
    wait_for_code(stack, account.auth_token, 97, 1.0)
    assert login(stack, account) == {"errorCode": 97}
    assert login(stack, account, "wrong") == {"errorCode": 101}
    usermessage(stack.settings_env, "accounts", "enable", f"+{account.msisdn}")
    wait_for_code(stack, account.auth_token, 0, 1.0)
    usermessage(stack.settings_env, "tokens", "revoke", "--account", f"+{account.msisdn}", "--all")
    wait_for_code(stack, account.auth_token, 100, 1.0)


async def test_thirty_logins_at_once_do_not_keep_other_calls_waiting(stack: Stack) -> None:
    account = await stack.account()
    logins = [asyncio.create_task(asyncio.to_thread(login, stack, account)) for _ in range(30)]
    await asyncio.sleep(0.1)
    assert await asyncio.to_thread(code_with, stack, account.auth_token) == 0
    still_waiting = [each for each in logins if not each.done()]
    codes = {(await each)["errorCode"] for each in logins}
    assert codes == {0}
    assert still_waiting


async def test_accounts_outlives_a_database_that_is_away(stack: Stack) -> None:
    account = await stack.account()
    pid = stack.roles["accounts"].pid
    stack.servers.postgres.kill()
    try:
        assert login(stack, account) == {"errorCode": 99}
    finally:
        stack.servers.postgres.start()
    end = time.monotonic() + 5
    while (answer := login(stack, account))["errorCode"] != 0:
        assert time.monotonic() < end, answer
    assert stack.roles["accounts"].pid == pid
    assert code_with(stack, account.auth_token) == 0
