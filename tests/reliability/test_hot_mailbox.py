"""One mailbox that somebody holds locked holds up nobody else."""

import asyncio
from collections.abc import Sequence

import asyncpg
import orjson

from deploy.local.servers import Servers
from tests.bench.load import Figures, closed_loop, post
from tests.running import Account, Stack

OTHERS, HOT_CONNECTIONS = 56, 8
LOCKED_SECONDS = 4.0


def _inserts(stack: Stack, accounts: Sequence[Account]) -> list[list[bytes]]:
    url = f"{stack.base_url}/json/user/message/insert"
    fields = {"apiKey": stack.api_key, "address": "+436990000001", "message": "x"}
    return [[post(url, orjson.dumps({**fields, "authToken": account.auth_token}))] for account in accounts]


def _accepted(body: bytes) -> bool:
    return body.startswith(b'{"errorCode":0')


async def _load(stack: Stack, hot: Account, others: Sequence[Account]) -> tuple[Figures, Figures]:
    port = int(stack.base_url.rpartition(":")[2])
    loops = [
        closed_loop(port, _inserts(stack, accounts), LOCKED_SECONDS, _accepted)
        for accounts in ([hot] * HOT_CONNECTIONS, others)
    ]
    on_hot, on_others = await asyncio.gather(*loops)
    return on_hot, on_others


async def test_one_locked_mailbox_holds_up_nobody(servers: Servers, stack: Stack) -> None:
    hot, *others = await stack.accounts(1 + OTHERS)
    await _load(stack, hot, others)
    _, before = await _load(stack, hot, others)
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        async with connection.transaction():
            await connection.execute("select mailbox_lock(array[$1::bigint], false)", hot.account_id)
            on_hot, locked = await _load(stack, hot, others)
    finally:
        await connection.close()
    _, after = await _load(stack, hot, others)
    print(f"others: {before.rate:.0f}/s, {locked.rate:.0f}/s while one mailbox is locked, {after.rate:.0f}/s after")
    assert locked.refused == 0
    # Those that wait when the lock is given up are answered then.
    assert len(on_hot.latencies) <= HOT_CONNECTIONS
    # The load between the two measurements of the free rate tells how far this machine can be trusted.
    assert locked.rate >= 0.7 * min(before.rate, after.rate)
