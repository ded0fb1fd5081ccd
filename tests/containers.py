"""Postgres, RabbitMQ, Valkey and OpenSearch in containers: newer versions than most machines have."""

import secrets
import signal
import socket
import struct
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from testcontainers.core.container import DockerContainer

from deploy.local.opensearch import cluster_health
from deploy.local.ports import free_port
from deploy.local.postgres import DATABASE, SETTINGS, USER
from deploy.local.process import wait_until
from deploy.local.rabbitmq import PROTOCOL_HEADER
from tests import redis_server

POSTGRES_IMAGE = "postgres:17"
RABBITMQ_IMAGE = "rabbitmq:4.0-management"
VALKEY_IMAGE = "valkey/valkey:8"
OPENSEARCH_IMAGE = "opensearchproject/opensearch:3"
OPENSEARCH_SETTINGS = {
    "discovery.type": "single-node",
    "action.auto_create_index": "false",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    # Without them it asks for a password of an administrator, and serves TLS with a certificate that nobody knows.
    "DISABLE_SECURITY_PLUGIN": "true",
    "DISABLE_INSTALL_DEMO_CONFIG": "true",
    "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m",
}
IMAGES = (POSTGRES_IMAGE, RABBITMQ_IMAGE)
STOP_SECONDS = 60
# Erlang makes a table of as many connections as it may have open files, and some engines allow a billion.
OPEN_PORTS = 65_536
GREETING_SECONDS = 2.0


class Server:
    """One container. It publishes one port, which stays the same; it is made at the first start, and keeps its data."""

    def __init__(self, container: DockerContainer, inner_port: int, greeting: bytes, answer: bytes) -> None:
        self._container = container
        self._greeting, self._answer = greeting, answer
        self._made = False
        engine = container.get_docker_client().host()
        # By number, as the programs of this machine are: certificates of tests are for that.
        self._host = "127.0.0.1" if engine == "localhost" else engine
        self.port = free_port()
        # The engine takes an address beside the port; the library's type for the same has no place for it.
        published: dict[str, object] = container.ports  # type: ignore[assignment]
        published[f"{inner_port}/tcp"] = (self._host, self.port) if engine == "localhost" else self.port

    def ready(self) -> bool:
        """Whether the server answers a greeting. That it accepts connections says little: the engine itself does."""
        try:
            with socket.create_connection((self._host, self.port), timeout=GREETING_SECONDS) as connection:
                connection.sendall(self._greeting)
                return connection.recv(1) == self._answer
        except OSError:
            return False

    def wait_ready(self, seconds: float = 120.0) -> None:
        try:
            wait_until(self.ready, self._container.image, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail()}") from error

    def start(self) -> None:
        if self._made:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._made = True
        self.wait_ready()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._made:
            self._container.get_wrapped_container().stop(timeout=STOP_SECONDS)

    def kill(self) -> None:
        self._end_by(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        """Remove the container and its data, running or not."""
        self._container.stop(force=True, delete_volume=True)

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of its output."""
        output: bytes = self._container.get_wrapped_container().logs(tail=lines)
        return output.decode(errors="replace")

    def _end_by(self, number: signal.Signals) -> None:
        container = self._container.get_wrapped_container()
        container.kill(signal=number.name)
        container.wait(timeout=STOP_SECONDS)


class Postgres(Server):
    def __init__(self) -> None:
        password = self._password = secrets.token_urlsafe(24)
        settings = {**SETTINGS, "listen_addresses": "*"}
        container = (
            DockerContainer(POSTGRES_IMAGE)
            .with_env("POSTGRES_USER", USER)
            .with_env("POSTGRES_PASSWORD", password)
            .with_env("POSTGRES_DB", DATABASE)
            .with_env("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C.UTF-8")
            .with_command(
                ["postgres", *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))]
            )
            .with_kwargs(shm_size="256m")
        )
        # A server that starts or recovers answers the first message with an error, `E`; a ready one asks to log in.
        super().__init__(container, 5432, _first_message(), b"R")
        self.url = f"postgresql://{USER}:{password}@{self._host}:{self.port}/{DATABASE}"

    def kill(self) -> None:
        """Stop immediately, as in a crash: nothing is flushed, and the next start recovers from the log."""
        self._end_by(signal.SIGQUIT)

    def client(self, program: str, *arguments: str) -> None:
        """Run one of Postgres' own programs, such as `pg_dump`, as the owner; raise `RuntimeError`."""
        address = {"PGHOST": "127.0.0.1", "PGUSER": USER, "PGPASSWORD": self._password}
        done = self._container.get_wrapped_container().exec_run([program, *arguments], environment=address)
        if done.exit_code != 0:
            raise RuntimeError(f"{program} failed:\n{done.output.decode(errors='replace')}")


class FreezableServer(Server):
    def freeze(self) -> None:
        """Let every process of the server stand still; connections stay open."""
        self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        """Let it go on; no harm where it was not frozen."""
        container = self._container.get_wrapped_container()
        container.reload()
        if container.status == "paused":
            container.unpause()

    def stop(self) -> None:
        if self._made:
            self.thaw()
        super().stop()


class RabbitMQ(FreezableServer):
    def __init__(self) -> None:
        password = secrets.token_urlsafe(24)
        container = (
            DockerContainer(RABBITMQ_IMAGE)
            .with_env("RABBITMQ_DEFAULT_USER", USER)
            .with_env("RABBITMQ_DEFAULT_PASS", password)
            .with_env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", f"+Q {OPEN_PORTS}")
        )
        super().__init__(container, 5672, PROTOCOL_HEADER, b"\x01")
        self.url = f"amqp://{USER}:{password}@{self._host}:{self.port}/"

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` on the running broker; raise `RuntimeError` where it refuses."""
        done = self._container.get_wrapped_container().exec_run(["rabbitmqctl", *arguments])
        if done.exit_code != 0:
            raise RuntimeError(f"rabbitmqctl {arguments[0]} failed:\n{done.output.decode(errors='replace')}")


class Valkey(FreezableServer):
    def __init__(self) -> None:
        password = secrets.token_urlsafe(24)
        options = ("--requirepass", password, "--save", "")
        container = DockerContainer(VALKEY_IMAGE).with_command(["valkey-server", *options])
        super().__init__(container, 6379, redis_server.PING, redis_server.ANSWER)
        self.url = f"valkey://:{password}@{self._host}:{self.port}/0"

    def prepare(self) -> None:
        """Nothing: the image is there, and the container is made when it starts."""


class OpenSearch(FreezableServer):
    def __init__(self) -> None:
        container = DockerContainer(OPENSEARCH_IMAGE)
        for name, value in OPENSEARCH_SETTINGS.items():
            container.with_env(name, value)
        # It answers by HTTP only, and `ready` asks for more than a first byte.
        super().__init__(container, 9200, b"", b"")
        self.url = f"http://{self._host}:{self.port}"

    def prepare(self) -> None:
        """Nothing: the image is there, and the container is made when it starts."""

    def ready(self) -> bool:
        return cluster_health(self._host, self.port).get("status") in {"green", "yellow"}


class Servers:
    """A private Postgres and a private RabbitMQ."""

    def __init__(self) -> None:
        self.postgres = Postgres()
        self.rabbitmq = RabbitMQ()

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that tell a role where its servers are."""
        return {"AMQP_URL": self.rabbitmq.url, "DATABASE_URL": self.postgres.url}

    def prepare(self) -> None:
        """Nothing: the images are there, and a container is made when it starts."""

    def start(self) -> None:
        """Start both, and return once both answer."""
        _both(self.rabbitmq.start, self.postgres.start)

    def stop(self) -> None:
        _both(self.rabbitmq.stop, self.postgres.stop)

    def remove(self) -> None:
        _both(self.rabbitmq.remove, self.postgres.remove)


def _both(*actions: Callable[[], None]) -> None:
    """Do both at once and wait for both; then raise what one of them raised."""
    with ThreadPoolExecutor(len(actions)) as pool:
        running = [pool.submit(action) for action in actions]
    for one in running:
        one.result()


def _first_message() -> bytes:
    """Write Postgres' start-up message of protocol 3.0."""
    names = b"\0".join(part.encode() for part in ("user", USER, "database", DATABASE)) + b"\0\0"
    return struct.pack("!II", 8 + len(names), 3 << 16) + names
