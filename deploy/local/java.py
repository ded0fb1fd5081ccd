"""The newest Java of this machine: where it is, and which version."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.local.packages import find_or_install

OLDEST = 17
PACKAGES = ("openjdk-21-jre-headless", "openjdk-17-jre-headless")
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, order=True, slots=True)
class Java:
    """A Java by its major version."""

    version: int
    program: Path

    @property
    def home(self) -> Path:
        return self.program.parent.parent


def newest_java() -> Java:
    """Return the newest Java that is new enough, after installing one if there is none."""
    return find_or_install(find_java, *PACKAGES)


def find_java() -> Java | None:
    """Return the newest Java that is new enough: of JAVA_HOME, of the path, or of the distribution's folder."""
    programs = sorted({path.resolve() for path in _candidates() if path.exists()})
    # All at once: each takes up to a quarter of a second, and some machines have five.
    with ThreadPoolExecutor(max(1, len(programs))) as askers:
        found = [java for java in askers.map(_ask, programs) if java is not None and java.version >= OLDEST]
    return max(found, default=None)


def _candidates() -> Iterator[Path]:
    home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    if home:
        yield Path(home) / "bin/java"
    if on_path:
        yield Path(on_path)
    yield from Path("/usr/lib/jvm").glob("*/bin/java")


def _ask(program: Path) -> Java | None:
    """Return which version a program says it is, or none where it does not run."""
    try:
        done = subprocess.run(
            (str(program), "-version"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return Java(int(version[1]), program) if version and done.returncode == 0 else None
