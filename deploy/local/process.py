"""A program in the foreground: what to run, and a started one that can be stopped, killed and restarted."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run; it must stay in the foreground. The environment comes on top of a minimal one."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 30.0

    def full_environment(self, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return its environment on top of what it inherits, which is our own unless given."""
        below = inherited_environment() if inherited is None else inherited
        return {**below, "LANG": "C.UTF-8", **self.environment}


def inherited_environment() -> dict[str, str]:
    """Return the few variables that every program gets from whoever starts it."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if name in os.environ}


class Process:
    """One started command in a process group of its own; its output goes to `log`."""

    def __init__(self, command: Command, log: Path) -> None:
        self.command = command
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running child; raise `RuntimeError` when there is none."""
        if self._child is None:
            raise RuntimeError(f"{self.command.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self.command.argv,
                env=self.command.full_environment(),
                cwd=self.command.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask it to end; kill it if it does not in time."""
        self.signal(self.command.stop_signal)
        if self._child is not None and not self._ended_within(self.command.stop_seconds):
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, and wait until it is gone."""
        if self._child is not None:
            self.signal_group(signal.SIGKILL)
            self._child.wait()

    def signal_group(self, number: signal.Signals) -> None:
        """Signal it and the children that it did not let go."""
        if self._child is not None and self.running:
            os.killpg(self._child.pid, number)

    def signal(self, number: signal.Signals) -> None:
        if self._child is not None and self.running:
            self._child.send_signal(number)

    def restart(self) -> None:
        self.stop()
        self.start()

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until it is ready; raise `TimeoutError`, or `RuntimeError` when it ended, both with its last lines."""
        try:
            wait_until(lambda: ready() or not self.running, self.command.name, seconds)
        except TimeoutError as error:
            error.add_note(self.tail())
            raise
        if not self.running:
            raise RuntimeError(f"{self.command.name} ended before it was ready:\n{self.tail()}")

    def wait_gone(self, seconds: float = 30.0) -> None:
        """Wait until it ended by itself; raise `TimeoutError`."""
        if not self._ended_within(seconds):
            raise TimeoutError(f"{self.command.name} still runs after {seconds:g} s")

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of its output."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _ended_within(self, seconds: float) -> bool:
        if self._child is None:
            return True
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def wait_until(ready: Callable[[], bool], what: str, seconds: float) -> None:
    """Ask `ready` ten times a second; raise `TimeoutError` that names `what`."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} was not ready within {seconds:g} s")
        time.sleep(0.1)
