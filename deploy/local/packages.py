"""Programs that the stack needs: found here, else installed with apt, else named with the exact command."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar

from deploy.local.system_services import SystemServices

T = TypeVar("T")

# The servers that a package brings, by the names of their system services.
SERVICES = {
    "postgresql": ("postgresql",),
    "rabbitmq-server": ("rabbitmq-server", "epmd"),
    "redis-server": ("redis-server",),
    "prometheus": ("prometheus",),
}
# apt takes one caller at a time, and tests prepare servers side by side.
_APT = Lock()
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


class MissingProgramError(RuntimeError):
    """A program is neither here nor can we install it; the text says what to run."""


def find_or_install(find: Callable[[], T | None], *packages: str) -> T:
    """Return what `find` finds, after installing a Debian package, the first that can be had, if it found nothing."""
    found = find()
    if found is None:
        with _APT:
            _install(packages)
        found = find()
    if found is None:
        raise MissingProgramError(f"{' or '.join(packages)} is installed, but its programs were not found")
    return found


def _install(packages: Sequence[str]) -> None:
    names = " or ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingProgramError(f"{names} is missing. Install it, for example with: sudo {_command(packages[0])}")
    print(f"installing {names} with apt ...", flush=True)
    with SystemServices().left_off([service for package in packages for service in SERVICES.get(package, ())]):
        done = _first_of(packages)
        if done.returncode != 0:
            _run("apt-get update")
            done = _first_of(packages)
        if done.returncode != 0:
            raise MissingProgramError(f"this failed: {_command(packages[-1])}\n{done.stdout}")


def _first_of(packages: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Install the first package that can be had; return how the last try ended."""
    for package in packages:
        done = _run(_command(package))
        if done.returncode == 0:
            break
    return done


def _command(package: str) -> str:
    return f"apt-get install -y --no-install-recommends {package}"


def _run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command.split(),
        env={**os.environ, **QUIET},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
