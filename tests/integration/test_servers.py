"""The private servers come back from a crash with what they had stored."""

import asyncpg

from deploy.local.servers import Servers


async def test_postgres_keeps_what_was_committed_before_an_immediate_stop(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.postgres.url)
    await connection.execute("CREATE TABLE kept (value int)")
    await connection.execute("INSERT INTO kept VALUES (7)")
    servers.postgres.kill()
    servers.postgres.start()
    connection = await asyncpg.connect(servers.postgres.url)
    kept = await connection.fetchval("SELECT value FROM kept")
    await connection.execute("DROP TABLE kept")
    await connection.close()
    assert kept == 7


async def test_database_is_utf8_and_sorts_by_code_point(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.postgres.url)
    row = await connection.fetchrow(
        "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate"
        " FROM pg_database WHERE datname = current_database()"
    )
    await connection.close()
    assert row is not None
    assert dict(row) == {"encoding": "UTF8", "datcollate": "C.UTF-8"}


async def test_broker_comes_back_after_a_kill(servers: Servers) -> None:
    servers.rabbitmq.kill()
    assert not servers.rabbitmq.ready()
    servers.rabbitmq.start()
    assert servers.rabbitmq.ready()
