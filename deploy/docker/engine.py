"""Whether a Docker engine answers here, with Docker Compose."""

import re
import subprocess

_SECONDS = 20
# The first that knows files of settings which may be missing.
_OLDEST = (2, 24)
_COMPOSE = ("docker", "compose", "version", "--short")
_ENGINE = ("docker", "info", "--format", "{{.ServerVersion}}")


def engine_problem() -> str | None:
    """Return in a line why no stack can run in containers here, or none when it can."""
    for argv in (_COMPOSE, _ENGINE):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(argv[:2])}: {type(error).__name__}"
        if done.returncode != 0:
            return _line(done.stderr or done.stdout)
        if argv is _COMPOSE and (problem := _too_old(done.stdout)):
            return problem
    return None


def _too_old(version: str) -> str | None:
    found = re.match(r"v?(\d+)\.(\d+)", version.strip())
    if found and tuple(map(int, found.groups())) >= _OLDEST:
        return None
    return f"Docker Compose is {version.strip() or 'of no version'}, and has to be 2.24 or newer"


def _line(text: str) -> str:
    return " ".join(text.split()) or "it failed without a word"
