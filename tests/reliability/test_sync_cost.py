"""A sync with nothing new costs about a read of one message, whatever the mailbox holds and the device once got."""

import statistics
import time
from collections.abc import Mapping

import asyncpg

from deploy.local.servers import Servers
from tests.reliability.client import Client
from tests.reliability.large import fill
from tests.reliability.settings import CONVERSATION_MESSAGES
from tests.running import Account, Stack

# The goal is 1.5; a test on a shared machine allows five times that.
_RATIO = 7.5
_GOAL = 1.5
_ROUNDS = 200
_FEW = 1000
_ADDRESS = "+436990000001"
_READ, _SYNC = "/user/message/get/by/conversation", "/user/message/sync"
# As if the device had got and acked every message, each page once.
_GOT = """
insert into device_message (account_id, device_id, message_id, device_message_id, known_seq, sent_seq)
select account_id, $2, message_id, message_id, change_seq, change_seq from message where account_id = $1
"""

Calls = Mapping[str, tuple[Account, str, Mapping[str, object]]]


async def _medians(client: Client, calls: Calls) -> dict[str, float]:
    """Make the calls in turn on one connection; return the middle of the seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_ROUNDS):
        for name, (account, path, fields) in calls.items():
            began = time.perf_counter()
            answer = await client.call(account, path, **fields)
            seconds[name].append(time.perf_counter() - began)
            assert answer["errorCode"] == 0, answer
            assert "syncs" not in answer or not answer["syncs"]
    return {name: statistics.median(each) for name, each in seconds.items()}


async def _mailbox(servers: Servers, stack: Stack, client: Client, messages: int) -> tuple[Account, int]:
    """Return an account with so many messages, and a device that has all of them."""
    account = await stack.account()
    await fill(servers, account, messages, _ADDRESS, many=False, characters=50)
    device_id = (await client.call(account, "/user/device/create"))["deviceId"]
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        await connection.execute(_GOT, account.account_id, device_id, timeout=120)
    finally:
        await connection.close()
    return account, device_id


async def test_a_sync_with_nothing_new_costs_a_read_whatever_the_mailbox_holds(servers: Servers, stack: Stack) -> None:
    async with Client(stack.base_url, stack.api_key, connections=1) as client:
        small, small_device = await _mailbox(servers, stack, client, _FEW)
        large, large_device = await _mailbox(servers, stack, client, CONVERSATION_MESSAGES)
        calls: Calls = {
            "read": (small, _READ, {"address": _ADDRESS, "limit": 1}),
            "sync": (small, _SYNC, {"deviceId": small_device}),
            "large": (large, _SYNC, {"deviceId": large_device}),
        }
        await _medians(client, calls)
        found = await _medians(client, calls)
    to_read, to_small = found["sync"] / found["read"], found["large"] / found["sync"]
    milliseconds = {name: round(seconds * 1000, 2) for name, seconds in found.items()}
    print(f"{milliseconds} ms; a sync is {to_read:.2f} reads, and {to_small:.2f} of itself with "
          f"{CONVERSATION_MESSAGES} messages; goals {_GOAL} and {_GOAL}")  # fmt: skip
    assert to_read <= _RATIO
    assert to_small <= _RATIO
