"""The service in containers as tests run it: brought up by the command line that `make` calls, gone afterwards."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from deploy.docker.compose import UP, Compose
from deploy.docker.stack import DockerStack
from deploy.local.commands import create_key
from deploy.local.ports import free_port
from deploy.local.roles import ROOT
from deploy.local.state import State
from tests.running import CARRIERS, PASSWORD, Account

# As for the stack of processes: a token is looked up again after a second.
_SETTINGS = {"AUTHENTICATION_CACHE_SECONDS": "1"}
_DEMO_NUMBER = 436990090001
_MAKE_ACCOUNTS = Path(__file__).parent / "make_accounts.py"
_METRICS = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9090/metrics').read().decode())"


class Contained:
    """One stack of containers; accounts are made as an operator makes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next_number = 436990000000 + 100_000
        self._numbers = Lock()
        self._key: dict[str, Any] = {}
        state = State(folder / "state.json")
        # Not the port that a stack prefers: another one of this machine may take that before the gateway starts.
        state.put("port", str(free_port()))
        # Nor its demo accounts: the cases of the contract write to such numbers, and nobody is to have them.
        state.put("demo_next_number", str(_DEMO_NUMBER))

    def __call__(self, *arguments: str) -> str:
        """Run a verb of the stack."""
        command = (sys.executable, "-m", "deploy.local", "--run", str(self._folder), *arguments)
        environment = {**os.environ, **_SETTINGS}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self) -> str:
        return self("up", "--stack", "docker", "--limits", "off", "--carriers", str(CARRIERS))

    @property
    def stack(self) -> DockerStack:
        return DockerStack(self._folder)

    @property
    def compose(self) -> Compose:
        return self.stack.compose

    @property
    def base_url(self) -> str:
        return str(self.demo["base_url"])

    def make_key(self) -> None:
        """Create the application of the accounts to come."""
        self._key = create_key(self.stack.usermessage, "tests")

    @property
    def api_key(self) -> str:
        return str(self._key["api_key"])

    @property
    def demo(self) -> dict[str, Any]:
        return dict(json.loads((self._folder / "demo.json").read_text()))

    async def accounts(self, count: int) -> list[Account]:
        return await asyncio.to_thread(self._make, count)

    async def numberless_account(self) -> Account:
        arguments = ("accounts", "create", "--with-token", str(self._key["id"]), "--json")
        made = json.loads(await asyncio.to_thread(self.stack.usermessage, *arguments))
        return Account(account_id=made["id"], msisdn="", password="", auth_token=made["auth_token"])

    def _make(self, count: int) -> list[Account]:
        with self._numbers:
            first, self._next_number = self._next_number, self._next_number + count
        arguments = (str(first), str(count), str(self._key["id"]), PASSWORD)
        text = _MAKE_ACCOUNTS.read_text(encoding="utf-8")
        rows = json.loads(self.compose.output("exec", "--no-TTY", "accounts", "python", "-", *arguments, text=text))
        return [_account(row) for row in rows]

    def kill(self, service: str) -> None:
        self.compose.output("kill", service)

    def start(self, service: str) -> None:
        self.compose.output("start", service)

    def wait_healthy(self, *services: str) -> None:
        self.compose.output(*UP, "--no-deps", "--no-recreate", *services)

    def ids(self) -> dict[str, str]:
        """Return the id of each running container by its name."""
        lines = self.compose.output("ps", "--format", "json").splitlines()
        return {each["Name"]: each["ID"] for each in map(json.loads, lines)}

    def metrics(self, service: str) -> list[str]:
        """Return what each container of a role says of itself."""
        commands = [("exec", each["ID"], "python", "-c", _METRICS) for each in self.compose.containers(service)]
        return [docker(*command) for command in commands]

    def remove(self) -> None:
        """Remove the containers and their data."""
        self.compose.output("--profile", "*", "down", "--volumes", "--remove-orphans")


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        account_id=row["id"], msisdn=str(row["msisdn"]), password=PASSWORD, auth_token=str(row["auth_token"])
    )


def docker(*arguments: str) -> str:
    """Run the engine's client; return its output."""
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def inspected(kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the engine knows of images or containers."""
    return list(json.loads(docker(kind, "inspect", *names)))
