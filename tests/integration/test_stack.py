"""The roles run together, and come back after a kill."""

import asyncio

import aiohttp

from tests.running import Stack


async def _conversations(stack: Stack, token: str) -> object:
    body = {"apiKey": stack.api_key, "authToken": token}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stack.base_url}/json/user/message/conversations/get", json=body) as answer,
    ):
        return await answer.json()


async def test_fresh_account_has_no_conversations(stack: Stack) -> None:
    account = await stack.account()
    assert await _conversations(stack, account.auth_token) == {"errorCode": 0, "conversations": []}


async def test_accounts_are_made_in_bulk(stack: Stack) -> None:
    accounts = await stack.accounts(20)
    assert len({account.account_id for account in accounts}) == 20
    assert len({account.auth_token for account in accounts}) == 20


async def test_killed_role_serves_again_after_its_start(stack: Stack) -> None:
    account = await stack.account()
    stack.roles["conversations"].kill()
    assert await _conversations(stack, account.auth_token) == {"errorCode": 99}
    stack.roles["conversations"].start()
    for _ in range(50):  # the gateway looks for consumers once a second
        answer = await _conversations(stack, account.auth_token)
        if answer != {"errorCode": 99}:
            break
        await asyncio.sleep(0.1)
    assert answer == {"errorCode": 0, "conversations": []}
