"""A private OpenSearch of one node in a folder of its own: real, from its jars, without TLS and users on 127.0.0.1."""

import http.client
import json
import shutil
from pathlib import Path
from typing import Any

from deploy.local.freezable import Freezable
from deploy.local.java import Java, newest_java
from deploy.local.opensearch_jars import jars_for, runner_version
from deploy.local.ports import Reservation, reserve
from deploy.local.process import Command, Process, wait_until
from deploy.local.state import State, write_private

# The runner takes no port outside of it.
PORTS = range(9201, 9300)
MAIN = "org.codelibs.opensearch.runner.OpenSearchRunner"
CONFIGURATION = """\
discovery.type: single-node
network.host: 127.0.0.1
transport.port: 9400-9500
action.auto_create_index: false
cluster.routing.allocation.disk.threshold_enabled: false
"""
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
# The quick compiler alone: half the processor time of a start, and on two cores others need the rest.
OPTIONS = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError",
           "--enable-native-access=ALL-UNNAMED")  # fmt: skip
_READY_SECONDS = 120.0
# Since Java 19 the first orderly end writes the loaded classes down, and later starts take a quarter of the time.
ARCHIVING_SINCE = 19


class OpenSearch(Freezable):
    """One node. `prepare()` first; then either run `command` under a supervisor, or `start()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._state = State(self.folder / "state.json")
        self._reservation: Reservation | None = None
        self._process: Process | None = None

    def prepare(self) -> None:
        """Find or install Java, fetch the jars, choose a port, and write the configuration."""
        java = newest_java()
        jars = jars_for(java)
        for name, value in (("java", java.program), ("java_version", java.version), ("jars", jars)):
            self._state.put(name, str(value))
        self._state.put("version", runner_version(java))
        self._choose_port()
        write_private(self.folder / "conf/opensearch.yml", CONFIGURATION)
        write_private(self.folder / "conf/log4j2.properties", LOGGING)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._remembered("port"))

    @property
    def version(self) -> str:
        """The version that `prepare()` chose. Each has data of its own: an older one cannot read a newer one's."""
        return self._remembered("version")

    @property
    def command(self) -> Command:
        java = Java(int(self._remembered("java_version")), Path(self._remembered("java")))
        jars = Path(self._remembered("jars"))
        argv = (str(java.program), *OPTIONS, *_archive(java, jars), "-cp", f"{jars}/*", MAIN,
                "-basePath", str(self.folder / f"opensearch-{self.version}"), "-confPath", str(self.folder / "conf"),
                "-clusterName", self._cluster, "-numOfNode", "1", "-baseHttpPort", str(self.port - 1),
                "-printOnFailure")  # fmt: skip
        return Command(name="opensearch", argv=argv, directory=self.folder, stop_seconds=60)

    def ready(self) -> bool:
        """Whether it answers, it is ours and no neighbour's, and what it has stored can be searched."""
        health = cluster_health("127.0.0.1", self.port)
        return health.get("cluster_name") == self._cluster and health.get("status") in {"green", "yellow"}

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        wait_until(self.ready, "OpenSearch", seconds)

    @property
    def process(self) -> Process:
        if self._process is None:
            self._process = Process(self.command, self.folder / "opensearch.log")
        return self._process

    def start(self) -> None:
        """Start it and wait until it is ready; show its log when it does not get so far."""
        self.process.start()
        self.process.wait_ready(self.ready, _READY_SECONDS)

    def remove(self) -> None:
        """Delete all data; only for a node that does not run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._reservation is not None:
            self._reservation.release()

    def _choose_port(self) -> None:
        if self._reservation is None:
            known = self._state.get("port")
            self._reservation = reserve(PORTS, preferred=int(known) if known else None)
            self._state.put("port", str(self._reservation.port))

    @property
    def _cluster(self) -> str:
        return f"usermessage-{self._state.secret('cluster')}"

    def _remembered(self, name: str) -> str:
        value = self._state.get(name)
        if value is None:
            raise RuntimeError("prepare() comes first")
        return value


def cluster_health(host: str, port: int) -> dict[str, Any]:
    """Return what a node says of its cluster's health; nothing where none answers."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/_cluster/health")
        response = connection.getresponse()
        return dict(json.loads(response.read())) if response.status == http.client.OK else {}
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()


def _archive(java: Java, jars: Path) -> tuple[str, ...]:
    if java.version < ARCHIVING_SINCE:
        return ()
    archive = jars.with_name(f"{jars.name}-java-{java.version}.jsa")
    return ("-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off")
