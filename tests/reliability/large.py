"""Many messages in a mailbox at once, past the API."""

import asyncpg

from deploy.local.servers import Servers
from tests.running import Account

_INSERT = """
select count(*) from message_insert(
    array_fill($1::bigint, array[$2::int]),
    array(select $3 || case when $4 then n::text else '' end from generate_series(1, $2::int) n),
    array(select rpad(n::text, $5::int, 'ä') from generate_series(1, $2::int) n),
    array(select n::bigint from generate_series(1, $2::int) n),
    array_fill(false, array[$2::int]), array_fill(false, array[$2::int]), array_fill(0, array[$2::int]),
    array_fill(0::smallint, array[$2::int]), array_fill(true, array[$2::int]),
    '{}', '{}', '{}', 'message.insert', '{}', '{}', false
)
"""


async def fill(servers: Servers, account: Account, count: int, address: str, *, many: bool, characters: int) -> None:
    """Store messages of so many characters, all at the address or `many` each at one of its own."""
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        await connection.fetchval(_INSERT, account.account_id, count, address, many, characters, timeout=120)
    finally:
        await connection.close()
