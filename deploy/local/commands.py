"""The service's own command line, run for the local stack."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, Protocol

from deploy.local.process import Command
from deploy.local.roles import ROOT


class CommandError(RuntimeError):
    """A command ended with an error; the text is what it wrote."""


class CommandLine(Protocol):
    """The command `usermessage` of one stack: gives it this input, and returns its output."""

    def __call__(self, *arguments: str, text: str = "") -> str: ...


def command_line(settings: Mapping[str, str]) -> CommandLine:
    """Return the command of this clone, run with these settings."""
    return partial(usermessage, settings)


def usermessage(settings: Mapping[str, str], *arguments: str, text: str = "") -> str:
    """Run `usermessage ARGUMENTS` with these settings and this input; return its output."""
    command = _command(settings, arguments)
    done = subprocess.run(
        command.argv,
        env=command.full_environment(),
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(f"usermessage {' '.join(arguments[:2])} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def become_usermessage(settings: Mapping[str, str], arguments: Sequence[str]) -> NoReturn:
    """Become `usermessage ARGUMENTS` with these settings."""
    command = _command(settings, arguments)
    os.execvpe(command.argv[0], command.argv, command.full_environment())


def _command(settings: Mapping[str, str], arguments: Sequence[str]) -> Command:
    return Command(name="usermessage", argv=(sys.executable, "-m", "services.cli", *arguments), environment=settings)


def migrate(settings: Mapping[str, str]) -> None:
    usermessage(settings, "migrate")


def rebuild_index(settings: Mapping[str, str]) -> None:
    """Index every message anew, beside running roles."""
    usermessage(settings, "search", "rebuild")


def create_key(run: CommandLine, name: str) -> dict[str, Any]:
    """Create an application: its `id` and `api_key`."""
    return dict(json.loads(run("keys", "create", name, "--json")))


def import_accounts(run: CommandLine, credentials: Iterable[tuple[str, str]], key_id: int) -> Sequence[dict[str, Any]]:
    """Create accounts from pairs of number and password: each with its `id`, `msisdn` and `auth_token`."""
    lines = [json.dumps({"msisdn": msisdn, "password": password}) for msisdn, password in credentials]
    output = run("accounts", "import", "--json", "--with-token", str(key_id), text="\n".join(lines) + "\n")
    return [json.loads(line) for line in output.splitlines() if line.strip()]
