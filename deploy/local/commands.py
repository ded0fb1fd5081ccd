"""The service's own command line, run for the local stack."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.local.process import Command
from deploy.local.roles import ROOT


class CommandError(RuntimeError):
    """A command ended with an error; the text is what it wrote."""


def usermessage(settings: Mapping[str, str], *arguments: str, text: str = "") -> str:
    """Run `usermessage ARGUMENTS` with these settings and this input; return its output."""
    command = Command(name="usermessage", argv=(sys.executable, "-m", "services.cli", *arguments), environment=settings)
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


def migrate(settings: Mapping[str, str]) -> None:
    usermessage(settings, "migrate")


def rebuild_index(settings: Mapping[str, str]) -> None:
    """Index every message anew, beside running roles."""
    usermessage(settings, "search", "rebuild")


def create_key(settings: Mapping[str, str], name: str) -> dict[str, Any]:
    """Create an application: its `id` and `api_key`."""
    return dict(json.loads(usermessage(settings, "keys", "create", name, "--json")))


def import_accounts(
    settings: Mapping[str, str], credentials: Iterable[tuple[str, str]], key_id: int
) -> Sequence[dict[str, Any]]:
    """Create accounts from pairs of number and password: each with its `id`, `msisdn` and `auth_token`."""
    lines = [json.dumps({"msisdn": msisdn, "password": password}) for msisdn, password in credentials]
    arguments = ("accounts", "import", "--json", "--with-token", str(key_id))
    output = usermessage(settings, *arguments, text="\n".join(lines) + "\n")
    return [json.loads(line) for line in output.splitlines() if line.strip()]
