"""The servers that tests need: what they can do, and which kind it is.

`SERVERS=native` takes the programs of this machine, `SERVERS=containers` takes Docker; without it, Docker where an
engine answers and has the images.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from deploy.local import servers as native
from deploy.local.opensearch import OpenSearch
from tests import redis_server

KINDS = ("native", "containers")


class Server(Protocol):
    """One server; its address and its data stay the same over any stop, kill and start."""

    @property
    def url(self) -> str: ...
    @property
    def port(self) -> int: ...
    def ready(self) -> bool: ...
    def wait_ready(self, seconds: float = ...) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...


class Postgres(Server, Protocol):
    """A Postgres, whose own programs can be run where it is."""

    def client(self, program: str, *arguments: str) -> None: ...


class FreezableServer(Server, Protocol):
    """A server that can stand still: its connections stay open, but nothing is answered until `thaw`."""

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


class Broker(FreezableServer, Protocol):
    """A RabbitMQ, which its own command line can change."""

    def control(self, *arguments: str) -> None: ...


class PreparedServer(FreezableServer, Protocol):
    """A server that one test begins and ends by itself."""

    def prepare(self) -> None: ...
    def remove(self) -> None: ...


class Servers(Protocol):
    """A private Postgres and a private RabbitMQ."""

    @property
    def postgres(self) -> Postgres: ...
    @property
    def rabbitmq(self) -> Broker: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    def prepare(self) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def remove(self) -> None: ...


def choose(folder: Path, say: Callable[[str], None]) -> Servers:
    """Return servers of the kind that `SERVERS` names, or of the kind that this machine has; not started."""
    wanted = os.environ.get("SERVERS", "")
    if wanted not in {"", *KINDS}:
        raise ValueError(f"SERVERS is {wanted!r}; it can be {' or '.join(KINDS)}")
    if wanted == "native":
        return _native(folder, say)
    # Imported late: it takes most of a second, and unit tests need no servers.
    from tests import containers, engine  # noqa: PLC0415

    try:
        engine.check_engine(containers.IMAGES, say)
    except engine.NoEngineError as error:
        if wanted == "containers":
            raise
        say(f"no containers: {error}")
        return _native(folder, say)
    say(f"servers: {' and '.join(containers.IMAGES)} in containers")
    return containers.Servers()


def choose_redis(servers: Servers, folder: Path, say: Callable[[str], None]) -> PreparedServer:
    """Return a Valkey where the other servers are containers and its image is there, else this machine's Redis."""
    if isinstance(servers, native.Servers):
        return redis_server.Redis(folder)
    from tests import containers, engine  # noqa: PLC0415

    try:
        engine.check_engine([containers.VALKEY_IMAGE], say)
    except engine.NoEngineError as error:
        say(f"the Redis of this machine: {error}")
        return redis_server.Redis(folder)
    return containers.Valkey()


def choose_opensearch(servers: Servers, folder: Path, say: Callable[[str], None]) -> PreparedServer:
    """Return OpenSearch's image where the other servers are containers and it is there, else one of its jars."""
    if isinstance(servers, native.Servers):
        return OpenSearch(folder)
    from tests import containers, engine  # noqa: PLC0415

    try:
        engine.check_engine([containers.OPENSEARCH_IMAGE], say)
    except engine.NoEngineError as error:
        say(f"an OpenSearch of its jars: {error}")
        return OpenSearch(folder)
    return containers.OpenSearch()


def _native(folder: Path, say: Callable[[str], None]) -> Servers:
    say("servers: the programs of this machine")
    return native.Servers(folder)
