"""The private servers come back from a crash with what they had stored."""

import asyncio
from pathlib import Path

import aio_pika
import asyncpg
import pytest

from deploy.local import servers as native
from tests.engine import NoEngineError, check_engine
from tests.servers import Servers, choose


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


async def test_broker_stands_still_and_goes_on(servers: Servers) -> None:
    connection = await aio_pika.connect(servers.rabbitmq.url)
    channel = await connection.channel()
    servers.rabbitmq.freeze()
    try:
        assert not servers.rabbitmq.ready()
        declaring = asyncio.create_task(channel.declare_queue(exclusive=True))
        _, waiting = await asyncio.wait([declaring], timeout=1)
        assert waiting
    finally:
        servers.rabbitmq.thaw()
    servers.rabbitmq.wait_ready()
    await asyncio.wait_for(declaring, 10)
    await connection.close()


def test_a_kill_ends_a_broker_that_stands_still(servers: Servers) -> None:
    servers.rabbitmq.freeze()
    servers.rabbitmq.kill()
    servers.rabbitmq.start()
    assert servers.rabbitmq.ready()


def test_addresses_stay(servers: Servers) -> None:
    before = dict(servers.environment)
    servers.postgres.restart()
    servers.rabbitmq.restart()
    assert servers.environment == before


def test_a_kind_that_nobody_knows_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVERS", "docker")
    with pytest.raises(ValueError, match=r"'docker'.*native or containers"):
        choose(tmp_path, print)


def test_an_engine_without_the_images_is_no_engine(servers: Servers) -> None:
    if isinstance(servers, native.Servers):
        pytest.skip("needs a Docker engine")
    with pytest.raises(NoEngineError, match="no image"):
        check_engine(["usermessage.invalid/nothing:1"], print)


def test_containers_without_an_engine_fail_and_natives_step_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    monkeypatch.setenv("SERVERS", "containers")
    with pytest.raises(NoEngineError, match="no Docker engine answers"):
        choose(tmp_path, said.append)
    monkeypatch.delenv("SERVERS")
    assert isinstance(choose(tmp_path, said.append), native.Servers)
    assert said[0].startswith("no containers: no Docker engine answers")
