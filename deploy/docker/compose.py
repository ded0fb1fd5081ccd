"""Docker Compose, called for the stack of one run folder."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from deploy.local.commands import CommandError
from deploy.local.roles import ROOT

# Enough for everything to become healthy on a small machine.
WAIT_SECONDS = "300"
UP = ("up", "--detach", "--quiet-pull", "--wait", "--wait-timeout", WAIT_SECONDS)


class Compose:
    """`docker compose` with the project and the variables of one run folder."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._project = _project(folder)
        self._variables = variables

    @property
    def project(self) -> str:
        return self._project

    def __call__(self, *arguments: str) -> None:
        """Run it, with its progress for the person at the terminal; raise `CommandError` when it fails."""
        done = subprocess.run(self._argv(*arguments), cwd=ROOT, env=self._environment, check=False)
        if done.returncode != 0:
            raise CommandError(f"docker compose {arguments[0]} failed; see above, and: make logs")

    def output(self, *arguments: str, text: str = "") -> str:
        """Run it with this input and return its output; raise `CommandError` with what it wrote when it fails."""
        done = subprocess.run(
            self._argv(*arguments),
            cwd=ROOT,
            env=self._environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CommandError(f"docker compose {' '.join(arguments[:4])} failed:\n{done.stderr or done.stdout}")
        return done.stdout

    def become(self, *arguments: str) -> NoReturn:
        """Become the command, until the caller interrupts it."""
        os.chdir(ROOT)
        argv = self._argv(*arguments)
        os.execvpe(argv[0], argv, self._environment)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return the running containers of a service, the oldest first, as Compose describes them."""
        lines = self.output("ps", "--format", "json", service).splitlines()
        return sorted((json.loads(line) for line in lines), key=lambda each: _number(each["Name"]))

    def _argv(self, *arguments: str) -> tuple[str, ...]:
        return ("docker", "compose", "--project-name", self._project, *arguments)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._variables}


def _project(folder: Path) -> str:
    """Name the project: as compose.yaml does for the folder that `make` uses, else after the folder."""
    named = os.environ.get("COMPOSE_PROJECT_NAME")
    if named:
        return named
    if folder == ROOT / ".run":
        return "usermessage"
    return f"usermessage-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
