"""An account of thousands of conversations among many of one or two: what is asked of it costs what it gives."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.servers import Servers
from shared.mailbox import store
from shared.postgres.migrate import migrate
from shared.postgres.queries import load_queries
from tests.integration.fresh_database import fresh_database

_QUERIES = load_queries(Path(store.__file__).parent / "sql")
# 20,000 accounts with a message each, and one with 20,000 messages in 2,000 conversations.
_FILL = """
insert into conversation (
  account_id, conversation_id, address, messages, messages_unread, messages_unsent, max_message_id, newest_message_id,
  newest_date_sent, snippet
)
select 10 + n, 1, '+1', 1, 0, 0, 1, 1, 1, '' from generate_series(1, 20000) as n
union all select 1, n, '+' || n, 10, 0, 0, n * 10, n * 10, n * 10, '' from generate_series(1, 2000) as n;
insert into message (
  account_id, message_id, conversation_id, change_seq, date_sent, origin, status, incoming, read, locked, body
)
select 10 + n, 1, 1, 1, 1, 0, 0, true, true, false, 'text' from generate_series(1, 20000) as n
union all select 1, n, 1 + (n - 1) / 10, n, n, 0, 0, false, true, false, 'text' from generate_series(1, 20000) as n;
analyze;
"""
_TWO_HUNDRED = [100 * n for n in range(1, 201)]
_ASKED: dict[str, tuple[str, tuple[Any, ...], int]] = {
    # What is looked up takes 7 blocks for each.
    "by id": ("messages_by_id", (1, _TWO_HUNDRED, False, 10**9), 8 * 200),
    "states": ("states", ([1] * 200, _TWO_HUNDRED, 10**9), 8 * 200),
    "sends": ("sends", ([1] * 200, _TWO_HUNDRED), 8 * 200),
    # Whether anything expired, and a page of it.
    "expired": ("", (1, 10**9, 0, 0, 0, 1), 50),
    "expired page": ("", (1, 10**9, 0, 0, 0, 1000), 2_000),
}
_EXPIRED = "select * from mailbox_expired($1::bigint, $2::bigint, $3::integer, $4::bigint, $5::integer, $6::integer)"


@pytest.fixture(scope="module")
async def filled(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    async with fresh_database(servers) as url:
        connection = await asyncpg.connect(url)
        try:
            await migrate(url, after=True)
            await connection.execute(_FILL)
            yield connection
        finally:
            await connection.close()


@pytest.mark.parametrize("asked", _ASKED)
@pytest.mark.parametrize("plan", ["force_generic_plan", "force_custom_plan"])
async def test_what_is_asked_costs_what_it_gives(filled: asyncpg.Connection, asked: str, plan: str) -> None:
    query, arguments, most = _ASKED[asked]
    await filled.execute(f"set plan_cache_mode to {plan}")
    explained = f"explain (analyze, buffers, format json) {_QUERIES[query] if query else _EXPIRED}"
    for _ in range(2):  # the first one looks up what it takes to plan
        ((found,),) = [json.loads(row[0]) for row in await filled.fetch(explained, *arguments)]
    blocks = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
    print(f"{asked}: {blocks} blocks, {found['Plan']['Actual Rows']} rows, {found['Execution Time']} ms")
    assert blocks < most
