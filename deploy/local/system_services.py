"""System services of packages that we install: not started, and not started at the next boot either.

A service that was there before stays as it was, and so does one that came along without being a server of ours.
"""

import shutil
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


class SystemServices:
    """The services below `root`, by the links that systemd and the classic init follow at boot."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._policy = root / "usr/sbin/policy-rc.d"
        self._units = root / "etc/systemd/system"
        self._levels = root / "etc"

    @contextmanager
    def left_off(self, names: Collection[str]) -> Iterator[None]:
        """Let nothing start meanwhile, and disable those of these names that came."""
        units, scripts = self._enabled_units(names), self._enabled_scripts(names)
        with self._not_started():
            yield
        for command in (
            *(("systemctl", "disable", "--quiet", unit) for unit in sorted(self._enabled_units(names) - units)),
            *(("update-rc.d", script, "disable") for script in sorted(self._enabled_scripts(names) - scripts)),
        ):
            _run(command)

    def _enabled_units(self, names: Collection[str]) -> set[str]:
        return {link.name for link in self._units.glob("*.wants/*") if link.stem in names}

    def _enabled_scripts(self, names: Collection[str]) -> set[str]:
        # S01name: 01 is its place in the order of starting.
        return {link.name[3:] for link in self._levels.glob("rc[2-5].d/S[0-9][0-9]*")} & {*names}

    @contextmanager
    def _not_started(self) -> Iterator[None]:
        """Forbid an installed package's scripts to start a service; leave a policy that stands."""
        ours = not self._policy.exists()
        if ours:
            self._policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
            self._policy.chmod(0o755)
        try:
            yield
        finally:
            if ours:
                self._policy.unlink(missing_ok=True)


def _run(command: tuple[str, ...]) -> None:
    """Run it where there is such a program; one that fails is told to the person, since all else can go on."""
    if shutil.which(command[0]) is None:
        return
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        print(f"this failed, so that a service may start at the next boot: {' '.join(command)}\n{done.stdout}")
