"""TLS to each store: with a private authority it works, and everything else is refused with a reason that says what."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.gateway.shared_windows import SharedWindows
from services.search.opensearch.client import Client
from shared.bus.link import Link
from shared.contract.faults import Away
from shared.postgres.errors import DatabaseAway
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database
from shared.settings import Settings
from tests.certificates import Authority, Pair
from tests.integration.bus_rig import eventually
from tests.running import Stack
from tests.servers import PreparedServer, Servers
from tests.tls_front import tls_front

Make = Callable[[Authority], Pair]

ANOTHER_NAME = "IP address mismatch, certificate is not valid for '127.0.0.1'."
REFUSED: dict[str, tuple[Make, str]] = {
    "another name": (lambda ours: ours.for_another_name(), ANOTHER_NAME),
    "expired": (lambda ours: ours.expired(), "certificate has expired"),
    "another authority": (
        lambda ours: Authority(ours.file.parent, "stranger").good(),
        "unable to get local issuer certificate",
    ),
}
refused = pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED.keys())


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _moved(url: str, port: int, scheme: str) -> str:
    """Return the address of a server that is to be reached at another port."""
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    return parts._replace(scheme=scheme, netloc=f"{user}@127.0.0.1:{port}").geturl()


# RabbitMQ


@asynccontextmanager
async def _linked(servers: Servers, context: ssl.SSLContext, **settings: str) -> AsyncIterator[Link]:
    async with tls_front(servers.rabbitmq.port, context) as port:
        url = _moved(servers.rabbitmq.url, port, "amqps")
        read = Settings.from_environment({"AMQP_URL": url, **settings})
        async with Link(read.amqp_url, "test", ()) as link:
            yield link


async def test_rabbitmq_with_a_certificate_of_our_authority(servers: Servers, ours: Authority) -> None:
    async with _linked(servers, ours.good().context, AMQP_CA=str(ours.file)) as link:
        await asyncio.wait_for(link.up.wait(), 10)


async def test_rabbitmq_that_asks_for_a_certificate(servers: Servers, ours: Authority) -> None:
    context = ours.trust_for_clients(ours.good().context)
    mine = {"AMQP_CA": str(ours.file), "AMQP_CERTIFICATE": str(ours.good("worker.example").file)}
    async with _linked(servers, context, **mine) as link:
        await asyncio.wait_for(link.up.wait(), 10)
    async with _linked(servers, context, AMQP_CA=str(ours.file)) as link:
        await asyncio.sleep(1)
        assert not link.was_up.is_set()


@refused
async def test_rabbitmq_is_refused(
    servers: Servers, ours: Authority, make: Make, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with _linked(servers, make(ours).context, AMQP_CA=str(ours.file)) as link:
        await eventually(lambda: link.problem != "the broker is away")
        assert link.problem == f"the broker is away: its certificate is refused: {reason}"
        assert not link.was_up.is_set()
    assert {record.__dict__.get("reason") for record in caplog.records if record.msg == "link away"} == {
        f"its certificate is refused: {reason}"
    }


# Postgres, whose clients ask for TLS in its own protocol


class SecurePostgres:
    """The Postgres of the tests, which can be given a certificate while it runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def serve(self, pair: Pair | None) -> None:
        """Serve with TLS from now on, or without."""
        connection = await asyncpg.connect(self.url, ssl="disable")
        try:
            if pair is not None:
                # It writes the file itself, so that it is its own wherever it runs.
                lines = pair.file.read_text().replace("'", "").splitlines()
                await connection.execute(
                    "copy (select unnest(array["
                    + ",".join(f"'{line}'" for line in lines)
                    + "])) to program 'umask 077; cat > server-pair.pem'"
                )
                await connection.execute("alter system set ssl_cert_file = 'server-pair.pem'")
                await connection.execute("alter system set ssl_key_file = 'server-pair.pem'")
            await connection.execute(f"alter system set ssl = {'on' if pair else 'off'}")
            await connection.execute("select pg_reload_conf()")
            await connection.execute("select pg_sleep(0.5)")
        finally:
            await connection.close()


@pytest.fixture
async def postgres(servers: Servers) -> AsyncIterator[SecurePostgres]:
    postgres = SecurePostgres(servers.postgres.url)
    yield postgres
    await postgres.serve(None)


def _database(postgres: SecurePostgres, ours: Authority) -> Database:
    settings = Settings.from_environment({"DATABASE_URL": postgres.url, "DATABASE_CA": str(ours.file)})
    return Database(settings.database_url, 1, name="test")


async def test_postgres_with_a_certificate_of_our_authority(postgres: SecurePostgres, ours: Authority) -> None:
    await postgres.serve(ours.good())
    async with _database(postgres, ours) as database:
        query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
        assert await database.fetchval(query, timeout=5) is True


async def test_postgres_without_tls_gets_no_password(postgres: SecurePostgres, ours: Authority) -> None:
    async with _database(postgres, ours) as database:
        with pytest.raises(DatabaseAway):
            await database.probe()


@refused
async def test_postgres_is_refused(postgres: SecurePostgres, ours: Authority, make: Make, reason: str) -> None:
    await postgres.serve(make(ours))
    async with _database(postgres, ours) as database:
        with pytest.raises(DatabaseAway) as away:
            await database.probe()
    assert away.value.reason == f"its certificate is refused: {reason}"
    settings = Settings.from_environment({"DATABASE_URL": postgres.url, "DATABASE_CA": str(ours.file)})
    with pytest.raises(DatabaseAway, match="its certificate is refused"):
        await migrate(settings.database_url, after=False, patience=0)


# Redis or Valkey


@asynccontextmanager
async def _windows(redis: PreparedServer, pair: Pair, ours: Authority) -> AsyncIterator[SharedWindows]:
    async with tls_front(redis.port, pair.context) as port:
        settings = Settings.from_environment(
            {"LIMITS_URL": _moved(redis.url, port, "rediss"), "LIMITS_CA": str(ours.file)}
        )
        async with SharedWindows(settings.limits_url) as windows:
            yield windows


async def test_redis_with_a_certificate_of_our_authority(redis: PreparedServer, ours: Authority) -> None:
    async with _windows(redis, ours.good(), ours) as windows:
        await eventually(lambda: windows.up)


@refused
async def test_redis_is_refused(redis: PreparedServer, ours: Authority, make: Make, reason: str) -> None:
    async with _windows(redis, make(ours), ours) as windows:
        await eventually(lambda: windows.refused is not None)
        assert windows.refused == f"its certificate is refused: {reason}"
        assert not windows.up


# OpenSearch


@asynccontextmanager
async def _searching(opensearch: PreparedServer, pair: Pair, ours: Authority) -> AsyncIterator[Client]:
    async with (
        tls_front(opensearch.port, pair.context) as port,
        Client(f"https://127.0.0.1:{port}", str(ours.file)) as client,
    ):
        yield client


async def test_opensearch_with_a_certificate_of_our_authority(opensearch: PreparedServer, ours: Authority) -> None:
    async with _searching(opensearch, ours.good(), ours) as client:
        assert "cluster_name" in await client.call("GET", "/", timeout=5)


@refused
async def test_opensearch_is_refused(opensearch: PreparedServer, ours: Authority, make: Make, reason: str) -> None:
    async with _searching(opensearch, make(ours), ours) as client:
        with pytest.raises(Away) as away:
            await client.call("GET", "/", timeout=5)
    assert away.value.reason == f"OpenSearch cannot be reached: its certificate is refused: {reason}"


# What an operator sees of it


async def test_a_worker_says_why_it_is_not_ready(
    stack: Stack, postgres: SecurePostgres, ours: Authority, tmp_path: Path
) -> None:
    await postgres.serve(ours.expired())
    worker = stack.another("messages", {"DATABASE_CA": str(ours.file)}, tmp_path)
    worker.process.start()
    try:
        complaint = '"probe":"database","problem":"its certificate is refused: certificate has expired"'
        await eventually(lambda: complaint in worker.process.tail(), 40)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(worker.wait_ready, 0.5)
        await postgres.serve(ours.good())
        await asyncio.to_thread(worker.wait_ready)
    finally:
        await asyncio.to_thread(worker.stop)
