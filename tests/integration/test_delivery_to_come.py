"""What is still to come costs nothing: no look for what has come reads through it."""

import json
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.servers import Servers
from services.delivery.store import SQL
from shared.postgres.queries import load_queries
from tests.integration.delivery_rig import delivery_rig

_QUERIES = load_queries(Path(SQL))
# Messages whose receipts are awaited and messages of tomorrow, then receipts and what was heard, of which none is due.
_MANY = """
insert into delivery_job (
  account_id, message_id, recipient, may_be_twin, failed_status, stored_at, carrier, due_at, in_line, state
)
select 1, n, '436990000001', true, 3, 0, 'one', delivery_now() + 86400000 + n, false,
  case n % 2 when 0 then 'accepted' else 'waiting' end
from generate_series(1, 20000) as n;
insert into delivery_parked select 'one', n::text, '', 'delivered', '', 1, delivery_now() - 70000 - n
from generate_series(1, 20000) as n;
insert into delivery_heard select 'one', n::text, n::text, 'link', delivery_now() from generate_series(1, 20000) as n;
insert into delivery_stranger select 'one', n::text, '1', '2', '', 1, delivery_now() - 70000
from generate_series(1, 20000) as n;
analyze;
"""
_LOOKS: dict[str, tuple[Any, ...]] = {
    "due": (200, 1_000_000, 1000, False, 0),
    "overdue": (500,),
    "stale": (500,),
    "untold": (500, 1000),
    "match_parked": (500,),
    "forget_heard": (600_000, 500),
    "sweep": (86_400_000, 86_400_000, 500),
    "keep_stranger": ("one", "id", "1", "2", "", 1, 100),
}
# Each of the tables has more than 100.
_MOST_BLOCKS = 50


def _literal(argument: object) -> str:
    return f"'{argument}'" if isinstance(argument, str) else str(argument)


async def _blocks(connection: asyncpg.Connection, look: str) -> int:
    """Return how many blocks a look reads once it is planned, for which many are read."""
    asked = ", ".join(map(_literal, _LOOKS[look]))
    await connection.execute(f"prepare {look} as {_QUERIES[look]}")
    await connection.execute(f"execute {look}({asked})")
    explained = await connection.fetchval(f"explain (analyze, buffers, format json) execute {look}({asked})")
    (found,) = json.loads(explained)
    return int(found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"])


async def test_no_look_reads_through_what_is_to_come(servers: Servers) -> None:
    async with delivery_rig(servers) as rig:
        connection = await asyncpg.connect(rig.rig.url)
        try:
            await connection.execute(_MANY)
            blocks = {look: await _blocks(connection, look) for look in _LOOKS}
        finally:
            await connection.close()
    print(f"blocks: {blocks}")
    assert max(blocks.values()) < _MOST_BLOCKS, blocks
