"""A private Redis in a folder of its own: it keeps nothing on disk, and asks for a password."""

import shutil
import socket
from pathlib import Path

from deploy.local.freezable import Freezable
from deploy.local.packages import find_or_install
from deploy.local.process import Command, Process, wait_until
from deploy.local.state import State, write_private

PING = b"PING\r\n"
# It answers an error, since nobody said the password; while it loads it does not.
ANSWER = b"-"


class Redis(Freezable):
    """One server. `prepare()` first; its address stays the same over any stop, kill and start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._state = State(self._folder / "state.json")
        self._process: Process | None = None

    def prepare(self) -> None:
        """Find or install the program, and write the configuration."""
        program = find_or_install(_program, "redis-server")
        configuration = self._folder / "redis.conf"
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self._state.secret('password')}",
            f'dir "{self._folder}"',
            'save ""',
            "daemonize no",
        )
        write_private(configuration, "\n".join(lines) + "\n")
        command = Command(name="redis", argv=(program, str(configuration)))
        self._process = Process(command, self._folder / "redis.log")

    @property
    def url(self) -> str:
        return f"redis://:{self._state.secret('password')}@127.0.0.1:{self.port}/0"

    @property
    def port(self) -> int:
        return self._state.port("port")

    @property
    def process(self) -> Process:
        if self._process is None:
            raise RuntimeError("prepare() comes first")
        return self._process

    def ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(PING)
                return connection.recv(1) == ANSWER
        except OSError:
            return False

    def wait_ready(self, seconds: float = 30.0) -> None:
        wait_until(self.ready, "Redis", seconds)

    def start(self) -> None:
        self.process.start()
        self.wait_ready()

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")
