"""Whether a Docker engine answers here, with Docker Compose."""

import subprocess

_SECONDS = 20


def engine_problem() -> str | None:
    """Return why no stack can run in containers here, or none when it can."""
    for argv in (("docker", "compose", "version"), ("docker", "info", "--format", "{{.ServerVersion}}")):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(argv[:2])}: {type(error).__name__}"
        if done.returncode != 0:
            return (done.stderr or done.stdout).strip()
    return None
