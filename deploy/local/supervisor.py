"""The supervisor (supervisord) of a run folder: restarts what died, for ever, and keeps its output."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.process import Command, inherited_environment, wait_until
from deploy.local.state import State, write_private

# A Unix socket's address holds 107 bytes, and supervisord binds a longer temporary name first.
LONGEST_SOCKET_PATH = 90
# supervisord's format has no escape: quotes at an end are lost, and a comment, a line's end or a `"` ends the value.
_UNWRITABLE = re.compile(r"""["\r\n]|\s[#;]|\A'|'\Z""")


class SupervisorError(RuntimeError):
    """The supervisor refused; the text is what it wrote."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that runs; `uptime` is as supervisord writes it."""

    pid: int
    uptime: str


class Supervisor:
    """One supervisord with its configuration, socket and logs below `folder`."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._state = state
        self._configuration = folder / "supervisord.conf"
        self.logs = folder / "logs"

    @property
    def running(self) -> bool:
        return self._configuration.exists() and self._control("pid").returncode == 0

    def configure(self, commands: Iterable[Command]) -> None:
        """Write what to run; nothing is started yet."""
        self.logs.mkdir(parents=True, exist_ok=True)
        inherited = self._inherited()
        sections = [self._head(), *(self._program(command, inherited) for command in commands)]
        write_private(self._configuration, "\n".join(sections))

    def start(self) -> None:
        """Start the daemon; it starts no program yet."""
        minimal = Command(name="supervisord", argv=()).full_environment()
        argv = (sys.executable, "-m", "supervisor.supervisord", "-c", str(self._configuration))
        subprocess.run(argv, env=minimal, check=True, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.running, "supervisord", 10)

    def update(self, *names: str) -> None:
        """Let the daemon read again what is written of these programs; all others go on undisturbed.

        One that changed or is no longer written is stopped, and this waits for its end.
        """
        if names:
            self._control("update", *names, check=True)

    def start_programs(self, *names: str) -> None:
        """Start those that do not run yet."""
        running = self.programs()
        idle = [name for name in names if name not in running]
        if idle:
            self._control("start", *idle, check=True)

    def restart_program(self, name: str) -> None:
        """Stop it, wait for its end, and start it."""
        self._control("restart", name, check=True)

    def programs(self) -> dict[str, Running]:
        """Return every program that runs."""
        lines = self._control("status").stdout.splitlines()
        rows = [(line.split(), line.partition(", uptime ")[2]) for line in lines]
        return {
            row[0]: Running(int(row[3].rstrip(",")), uptime) for row, uptime in rows if row[1:3] == ["RUNNING", "pid"]
        }

    def pids(self) -> dict[str, int]:
        """Return the process id of every program that runs."""
        return {name: program.pid for name, program in self.programs().items()}

    def stop(self) -> None:
        """Stop all programs and the daemon, and wait until they are gone."""
        pid = int(self._control("pid", check=True).stdout)
        self._control("shutdown", check=True)
        wait_until(lambda: not _is_alive(pid), "the end of supervisord", 120)

    def _inherited(self) -> dict[str, str]:
        """Return what programs inherit: from whoever started the daemon, or each new shell would change them all."""
        if not self.running:
            self._state.put("inherited", json.dumps(inherited_environment()))
        inherited: dict[str, str] = json.loads(self._state.get("inherited") or "{}")
        return inherited

    def _control(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        argv = (sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self._configuration), *arguments)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise SupervisorError(f"supervisorctl {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done

    def _head(self) -> str:
        login = f"username = usermessage\npassword = {self._state.secret('supervisor_password')}"
        user = "user = root\n" if os.geteuid() == 0 else ""
        return f"""\
[unix_http_server]
file = {_escaped(str(self._socket()))}
chmod = 0600
{login}

[supervisord]
logfile = {_escaped(str(self.logs / "supervisord.log"))}
logfile_maxbytes = 10MB
pidfile = {_escaped(str(self._folder / "supervisord.pid"))}
childlogdir = {_escaped(str(self.logs))}
loglevel = info
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{_escaped(str(self._socket()))}
{login}
"""

    def _program(self, command: Command, inherited: Mapping[str, str]) -> str:
        variables = command.full_environment(inherited)
        refuse_unwritable(variables)
        environment = ",".join(f'{name}="{_escaped(value)}"' for name, value in variables.items())
        # startsecs = 0: one that ends at once has still started, so it is never given up.
        return f"""\
[program:{command.name}]
command = {_escaped(shlex.join(command.argv))}
directory = {_escaped(str(command.directory or self._folder))}
environment = {environment}
autostart = false
autorestart = true
startsecs = 0
startretries = 1000000000
stopsignal = {signal.Signals(command.stop_signal).name.removeprefix("SIG")}
stopwaitsecs = {command.stop_seconds:.0f}
killasgroup = true
redirect_stderr = true
stdout_logfile = {_escaped(str(self.logs / f"{command.name}.log"))}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""

    def _socket(self) -> Path:
        """Return the socket's path: in the run folder, or in a short folder when that path is too long."""
        near = self._folder / "supervisor.sock"
        if len(os.fsencode(near)) <= LONGEST_SOCKET_PATH:
            return near
        known = self._state.get("socket_folder")
        if known is None or not Path(known).is_dir():
            known = self._state.put("socket_folder", tempfile.mkdtemp(prefix="usermessage-", dir="/tmp"))
        return Path(known) / "supervisor.sock"


def refuse_unwritable(variables: Mapping[str, str]) -> None:
    """Raise `SupervisorError` for what no program can be given unchanged; it names the variable, not its value."""
    for name, value in variables.items():
        if _UNWRITABLE.search(value):
            raise SupervisorError(
                f"supervisord cannot hand {name} on: it has a double quote, a line's end, a # or ; after a space,"
                " or a single quote at an end; use another value"
            )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
