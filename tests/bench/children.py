"""The processes of the yardsticks: each says `ready` on its first line and lives as long as the run."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.bench.paths import ROOT


class ChildFailedError(RuntimeError):
    """A yardstick's process did not start."""


@contextmanager
def child(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a module of the bench until the block ends; give its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise ChildFailedError(f"{module} ended before it was ready")
        yield process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
