"""OpenSearch's own jars, from Maven Central into a folder of the clone that all runs and tests share."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.java import Java
from deploy.local.packages import MissingProgramError, find_or_install
from deploy.local.process import inherited_environment
from deploy.local.roles import ROOT

CACHE = ROOT / ".cache"
POM = Path(__file__).with_name("opensearch.pom.xml")
# The runner carries the OpenSearch of its own version; each with the oldest Java on which that runs.
RUNNERS = ((21, "3.8.0.0"), (17, "2.9.0.0"))
FETCH_SECONDS = 600.0


def runner_version(java: Java) -> str:
    """Return the newest runner for a Java."""
    return next(version for oldest, version in RUNNERS if java.version >= oldest)


def jars_for(java: Java) -> Path:
    """Return the folder of the jars, fetched if they are not there yet."""
    folder = CACHE / f"opensearch-{runner_version(java)}"
    if not folder.exists():
        CACHE.mkdir(exist_ok=True)
        with _alone(folder.with_name(folder.name + ".lock")):
            if not folder.exists():
                _fetch(java, folder)
    return folder


def _fetch(java: Java, folder: Path) -> None:
    """Fetch into a folder beside it, so that it is there with all jars or not at all."""
    maven = find_or_install(lambda: shutil.which("mvn"), "maven")
    print(f"fetching OpenSearch {runner_version(java)} from Maven Central (80 MB) ...", flush=True)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    arguments = ("-B", "-q", "-C", "-f", str(POM), f"-Drunner.version={runner_version(java)}",
                 "dependency:copy-dependencies", f"-DoutputDirectory={fresh}")  # fmt: skip
    cause = _run((maven, *arguments), java)
    if cause is not None:
        shutil.rmtree(fresh, ignore_errors=True)
        raise MissingProgramError(f"Maven could not fetch OpenSearch: {cause}")
    fresh.rename(folder)


def _run(command: tuple[str, ...], java: Java) -> str | None:
    """Return why it failed, or none."""
    passed_on = {name: os.environ[name] for name in ("MAVEN_OPTS", "MAVEN_ARGS") if name in os.environ}
    try:
        done = subprocess.run(
            command,
            env={**inherited_environment(), **passed_on, "JAVA_HOME": str(java.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"nothing came within {FETCH_SECONDS:.0f} s"
    return None if done.returncode == 0 else _cause(done.stdout)


def _cause(output: str) -> str:
    """Return the line that matters: Maven's first error, before its advice and behind what Java says of Maven."""
    lines = output.splitlines()
    return next((line for line in lines if line.startswith("[ERROR]")), lines[-1] if lines else "it said nothing")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait for whoever fetches the same."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
