"""Programs that the stack needs: found here, else installed with apt, else named with the exact command."""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import TypeVar

from deploy.local.system_services import SystemServices

T = TypeVar("T")

# The servers that a package brings, by the names of their system services.
SERVICES = {
    "postgresql": ("postgresql",),
    "rabbitmq-server": ("rabbitmq-server", "epmd"),
    "redis-server": ("redis-server",),
}
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


class MissingProgramError(RuntimeError):
    """A program is neither here nor can we install it; the text says what to run."""


def find_or_install(find: Callable[[], T | None], package: str) -> T:
    """Return what `find` finds, after installing the Debian package if it found nothing."""
    found = find()
    if found is None:
        _install(package)
        found = find()
    if found is None:
        raise MissingProgramError(f"{package} is installed, but its programs were not found")
    return found


def _install(package: str) -> None:
    command = f"apt-get install -y --no-install-recommends {package}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingProgramError(f"{package} is missing. Install it, for example with: sudo {command}")
    print(f"installing {package} with apt ...", flush=True)
    with SystemServices().left_off(SERVICES[package]):
        if _run(command).returncode != 0:
            _run("apt-get update")
            done = _run(command)
            if done.returncode != 0:
                raise MissingProgramError(f"this failed: {command}\n{done.stdout}")


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
