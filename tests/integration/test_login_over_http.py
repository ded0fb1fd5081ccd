"""Login and revocation through gateway, broker and accounts role."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import aiohttp
import pytest

from deploy.local.commands import usermessage
from tests.running import Account, Role, Stack

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


@pytest.fixture
def second_worker(stack: Stack, tmp_path: Path) -> Iterator[Role]:
    """Yield one more accounts worker, which hides unknown numbers."""
    worker = stack.another("accounts", {"HIDE_UNKNOWN_NUMBERS": "on"}, tmp_path)
    worker.start()
    yield worker
    worker.stop()


@pytest.mark.usefixtures("second_worker")
async def test_a_hundred_guesses_at_once_at_two_workers_are_told_of_five(stack: Stack) -> None:
    account = await stack.account()
    async with aiohttp.ClientSession(stack.base_url, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def guess(password: str) -> int:
            body = {"apiKey": stack.api_key, "msisdn": account.msisdn, "password": password}
            async with session.post("/json/user/login", json=body) as response:
                return int((await response.json())["errorCode"])

        codes = Counter(await asyncio.gather(*(guess(f"wrong {place}") for place in range(100))))
    # A busy machine may be too late for some, which are answered 99; wrong they are all the same.
    assert codes[101] <= 5
    assert codes[109] >= 50
    assert codes.keys() <= {101, 109, 99}
    assert login(stack, account) == {"errorCode": 109}
    assert code_with(stack, account.auth_token) == 0
    usermessage(stack.settings_env, "accounts", "unblock", f"+{account.msisdn}")
    assert login(stack, account)["errorCode"] == 0


async def test_a_worker_that_hides_unknown_numbers_answers_them_like_known_ones(
    stack: Stack, second_worker: Role
) -> None:
    account = await stack.account()
    assert second_worker.pid
    stack.roles["accounts"].stop()
    try:
        for number in (account.msisdn, NOBODYS):
            codes = [call(stack, "login", msisdn=number, password="wrong")["errorCode"] for _ in range(7)]
            assert codes == [101] * 5 + [109] * 2
    finally:
        stack.roles["accounts"].start()


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
