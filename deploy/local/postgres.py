"""A private Postgres in a folder of its own, on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.local.packages import find_or_install
from deploy.local.process import Command, Process, inherited_environment, wait_until
from deploy.local.state import State

USER = "usermessage"
DATABASE = "usermessage"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "600",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "log_min_messages": "warning",
}


class Postgres:
    """One instance. `prepare()` first; then either run `command` under a supervisor, or `start()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._state = State(self.folder / "state.json")
        self._process: Process | None = None

    def prepare(self) -> None:
        """Find or install the programs and make an empty database, unless that was done before."""
        find_or_install(_newest_programs, "postgresql")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._state.port_now_free("port")
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self._state.secret('password')}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def port(self) -> int:
        return self._state.port("port")

    @property
    def command(self) -> Command:
        options = {**SETTINGS, "port": str(self.port), "unix_socket_directories": ""}
        switches = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        argv = (*_as_user(), str(self._programs / "postgres"), "-D", str(self._data), *switches)
        # SIGINT: Postgres' fast shutdown, which does not wait for clients to leave.
        return Command(name="postgres", argv=argv, environment={"HOME": "/"}, stop_signal=signal.SIGINT)

    def ready(self) -> bool:
        probe = (str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "2")
        return subprocess.run(probe, check=False, stdin=subprocess.DEVNULL).returncode == 0

    def wait_ready(self, seconds: float = 60.0) -> None:
        wait_until(self.ready, "Postgres", seconds)

    @property
    def process(self) -> Process:
        if self._process is None:
            self._process = Process(self.command, self.folder / "postgres.log")
        return self._process

    def start(self) -> None:
        self.process.start()
        self.wait_ready()

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """Stop immediately, as in a crash: nothing is flushed, and the next start recovers from the log."""
        self.process.signal(signal.SIGQUIT)
        self.process.wait_gone()

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self, program: str, *arguments: str) -> None:
        """Run one of Postgres' own programs, such as `pg_dump`, as the owner; raise `CalledProcessError`."""
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": USER}
        subprocess.run(
            (str(self._programs / program), *arguments),
            env={**inherited_environment(), **address, "PGPASSWORD": self._state.secret("password")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )

    def remove(self) -> None:
        """Delete all data; only for an instance that does not run."""
        shutil.rmtree(self._data.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return Path(self._state.get("data") or self.folder / "data")

    @property
    def _programs(self) -> Path:
        """The programs of the version that made the data, or the newest ones."""
        mark = self._data / "PG_VERSION"
        wanted = mark.read_text(encoding="ascii").strip() if mark.exists() else None
        found = {path.parent.name: path for path in _program_folders()}
        programs = found.get(wanted) if wanted else None
        return programs or find_or_install(_newest_programs, "postgresql")

    def _initialise(self) -> None:
        data = _owned_folder(self.folder)
        self._state.put("data", str(data))
        with tempfile.NamedTemporaryFile("w", dir=data.parent, encoding="ascii") as password:
            password.write(self._state.secret("password"))
            password.flush()
            _give(Path(password.name))
            self._run("initdb", "-D", str(data), "-U", USER, "-A", "scram-sha-256", "--pwfile", password.name,
                      "-E", "UTF8", "--locale=C.UTF-8", "-N")  # fmt: skip
        self._run("postgres", "--single", "-D", str(data), "postgres", text=f'CREATE DATABASE "{DATABASE}"\n')

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(
            (*_as_user(), str(self._programs / program), *arguments),
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            text=True,
            check=False,
        )
        if done.returncode != 0 or "ERROR" in done.stdout:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")


def _program_folders() -> list[Path]:
    """Folders that hold a server's programs, the newest version last."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    folders = [*([Path(on_path).resolve().parent] if on_path else []), *packaged]
    return [folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()]


def _newest_programs() -> Path | None:
    folders = _program_folders()
    return folders[-1] if folders else None


def _account() -> pwd.struct_passwd | None:
    """Return the user that runs Postgres when we are root, which it refuses; otherwise none."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_user() -> tuple[str, ...]:
    account = _account()
    if account is None:
        return ()
    return ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--")


def _give(path: Path) -> None:
    account = _account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _reaches(folder: Path) -> bool:
    return subprocess.run((*_as_user(), "test", "-w", str(folder)), cwd="/", check=False).returncode == 0


def _owned_folder(folder: Path) -> Path:
    """Make the data folder: inside of ours, or elsewhere if its user cannot come here."""
    for parent in _places(folder):
        parent.mkdir(parents=True, exist_ok=True)
        parent.chmod(0o700)
        _give(parent)
        if _reaches(parent):
            return parent / "data"
        parent.rmdir()
    raise RuntimeError(f"the user that runs Postgres can reach neither {folder} nor a temporary folder")


def _places(folder: Path) -> Iterator[Path]:
    yield folder / "server"
    for place in (os.environ.get("TMPDIR"), "/var/tmp"):  # noqa: S108 - what is made there is fresh and private
        if place and Path(place).is_dir():
            yield Path(tempfile.mkdtemp(prefix="usermessage-postgres-", dir=place))
