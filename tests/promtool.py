"""Prometheus' own checker of rules, found here or installed with apt."""

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.packages import MissingProgramError, find_or_install


def promtool(*arguments: str | Path) -> None:
    """Run it; skip the test, with what to install, where it cannot be had, and fail with what it says."""
    try:
        program = find_or_install(lambda: shutil.which("promtool"), "prometheus")
    except MissingProgramError as error:
        pytest.skip(f"ALERT RULES ARE NOT CHECKED: {error}")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
