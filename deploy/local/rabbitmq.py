"""A private RabbitMQ in a folder of its own: node name, cookie, name server (epmd), ports of 127.0.0.1."""

import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from deploy.local.freezable import Freezable
from deploy.local.packages import find_or_install
from deploy.local.process import Command, Process, wait_until
from deploy.local.state import State, write_private

USER = "usermessage"
# The server's own script, before Debian's wrapper of the same name, which would switch to the system's user.
RAW_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/rabbitmq/sbin/rabbitmq-server")
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"


class RabbitMQ(Freezable):
    """One broker. `prepare()` first; then supervise `names_command` and `command`, or `start()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._state = State(self.folder / "state.json")
        self._names: Process | None = None
        self._process: Process | None = None

    def prepare(self) -> None:
        """Find or install the programs, and write the configuration."""
        find_or_install(_script, "rabbitmq-server")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for name in ("port", "distribution_port", "names_port"):
            self._state.port_now_free(name)
        self._write_cookie()
        write_private(self.folder / "rabbitmq.conf", self._configuration())
        write_private(self.folder / "enabled_plugins", "[].\n")
        write_private(self.folder / "environment.conf", "")

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{quote(self._state.secret('password'))}@127.0.0.1:{self.port}/"

    @property
    def port(self) -> int:
        return self._state.port("port")

    @property
    def names_command(self) -> Command:
        """The name server. The broker would otherwise start one that outlives it."""
        port = str(self._state.port("names_port"))
        argv = (_names_program(), "-port", port, "-address", "127.0.0.1")
        return Command(name="epmd", argv=argv, environment=self._environment())

    @property
    def command(self) -> Command:
        script = find_or_install(_script, "rabbitmq-server")
        return Command(name="rabbitmq", argv=(str(script),), environment=self._environment(), stop_seconds=60)

    def ready(self) -> bool:
        """Whether it answers an AMQP greeting, which it does only once it has started wholly."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(PROTOCOL_HEADER)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def wait_ready(self, seconds: float = 120.0) -> None:
        wait_until(self.ready, "RabbitMQ", seconds)

    def names_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._state.port("names_port")), timeout=2).close()
        except OSError:
            return False
        return True

    @property
    def process(self) -> Process:
        if self._process is None:
            self._process = Process(self.command, self.folder / "rabbitmq.log")
        return self._process

    def start(self) -> None:
        if self._names is None or not self._names.running:
            self._names = Process(self.names_command, self.folder / "epmd.log")
            self._names.start()
            wait_until(self.names_ready, "epmd", 10)
        self.process.start()
        self.wait_ready()

    def stop(self) -> None:
        """Stop the broker, then its name server."""
        super().stop()
        if self._names is not None:
            self._names.stop()

    def restart(self) -> None:
        self.thaw()
        self.process.stop()
        self.start()

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` on the running broker; raise `CalledProcessError` where it refuses."""
        script = find_or_install(_script, "rabbitmq-server").with_name("rabbitmqctl")
        subprocess.run(
            (str(script), *arguments),
            env=self.command.full_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )

    def remove(self) -> None:
        """Delete all data; only for a broker that does not run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_cookie(self) -> None:
        """Erlang insists on a cookie that only its owner may read, and never needs to write it."""
        path = self.folder / ".erlang.cookie"
        if not path.exists():
            write_private(path, self._state.secret("cookie"))
        path.chmod(0o400)

    def _configuration(self) -> str:
        lines = (
            f"listeners.tcp.local = 127.0.0.1:{self.port}",
            f"default_user = {USER}",
            f"default_pass = {self._state.secret('password')}",
            "disk_free_limit.absolute = 50MB",
            "log.file = false",
            "log.console = true",
            "log.console.level = info",
        )
        return "\n".join(lines) + "\n"

    def _environment(self) -> dict[str, str]:
        node_port = str(self._state.port("distribution_port"))
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._state.port("names_port")),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "usermessage@localhost",
            "RABBITMQ_DIST_PORT": node_port,
            "RABBITMQ_BASE": str(self.folder),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "environment.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            "RABBITMQ_PID_FILE": str(self.folder / "rabbitmq.pid"),
            # Both together make the script become the broker, instead of waiting for it as its parent.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput +B i",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }


def _script() -> Path | None:
    packaged = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"), reverse=True)
    on_path = shutil.which("rabbitmq-server")
    candidates = [*map(Path, RAW_SCRIPTS), *packaged, *([Path(on_path)] if on_path else [])]
    return next((path for path in candidates if path.exists()), None)


def _names_program() -> str:
    beside = (*Path("/usr/lib/erlang").glob("erts-*/bin/epmd"), Path("/usr/lib/erlang/bin/epmd"))
    return shutil.which("epmd") or next(str(path) for path in beside if path.exists())
