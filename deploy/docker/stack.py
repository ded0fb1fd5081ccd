"""Bring the stack of containers up, take it down, scale it, restart its roles, follow its logs."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from deploy.docker.compose import UP, Compose
from deploy.docker.files import Files
from deploy.docker.gateways import addresses, see_workers
from deploy.local import demo
from deploy.local.carriers import remember_carriers, remembered_carriers
from deploy.local.commands import CommandError
from deploy.local.process import wait_until
from deploy.local.roles import RESTART_ORDER, ROLES
from deploy.local.search import OPENSEARCH
from deploy.local.state import State


class DockerStack:
    """The stack of one run folder; its data lies in volumes of the engine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.state = State(self._folder / "state.json")
        self._files = Files(self._folder, self.state)
        self._began = time.monotonic()

    def up(self, accounts: int, limits: str, search: str, carriers: Mapping[str, str]) -> None:
        """Build the images, start what does not run or differs, and wait until all of it is healthy."""
        self._files.remember_compose_file()
        self.state.put("search_backend", search)
        self._prepare(limits, carriers)
        self._say("building the images")
        self.compose("--profile", "cli", "build", "--quiet")
        self._say("starting the containers")
        if not self.compose.containers("gateway"):
            self._files.choose_port()
        self.compose(*UP, *self._scale_options(search))
        self._wait_for_workers()
        self._renew_index(search)
        base_urls = addresses(self.compose)
        demo.show(self._folder, self.state, self.usermessage, base_urls, accounts=accounts, say=self._say)

    def down(self) -> None:
        self._say("stopping")
        self.compose("--profile", "*", "down")
        self._say(f"down; data stays in the volumes {self.compose.project}_*")

    def scale(self, role: str, count: int) -> None:
        """Have so many containers of a role, now and after each later `up`; no other container notices."""
        self.state.put(f"{role}_count", str(count))
        running = self.compose.containers(role)
        if not running:
            self._say(f"the next make up starts {count} of {role}")
            return
        self._say(f"{role}: {len(running)} -> {count}")
        self._have(role, count)
        demo.set_addresses(self._folder, addresses(self.compose))
        self._say("ready")

    def restart(self, roles: Sequence[str]) -> None:
        """Build the images anew and replace each role's containers, one role after the other."""
        self._must_run()
        # It may have been edited since.
        if file := remembered_carriers(self.state).get("CARRIERS_FILE"):
            self._files.lay_carriers(Path(file))
        self._say("building the images")
        self.compose("build", "--quiet", *roles)
        for role in (role for role in RESTART_ORDER if role in roles):
            self._say(f"restarting {role}")
            if role == "gateway":
                # Its port is taken until it is gone, so none can come before it.
                self.compose(*UP, "--no-deps", "--force-recreate", "--scale", self._scale_of(role), role)
            else:
                self._replace(role)
        self._wait_for_workers()
        demo.set_addresses(self._folder, addresses(self.compose))
        self._say("ready")

    def ps(self) -> None:
        """Print each container with its state and ports."""
        self._must_run()
        print(self.compose.output("ps", "--format", "table {{.Name}}\t{{.Status}}\t{{.Ports}}").rstrip())

    def logs(self) -> None:
        """Become `docker compose logs`, until the caller interrupts it."""
        self.compose.become("logs", "--follow", "--tail", "20")

    def cli(self, arguments: Sequence[str]) -> None:
        """Become the command `usermessage` in a container of its own."""
        self._must_run()
        self.compose.become("run", "--rm", "--no-deps", "cli", *arguments)

    @property
    def compose(self) -> Compose:
        """Docker Compose, as the folder's stack is called with at the moment."""
        return Compose(self._folder, self._files.variables(gateways=self._count("gateway")))

    def _count(self, role: str) -> int:
        return int(self.state.get(f"{role}_count") or 1)

    def _scale_of(self, role: str) -> str:
        return f"{role}={self._count(role)}"

    def _scale_options(self, search: str) -> list[str]:
        scales = [*map(self._scale_of, ROLES), *([] if search == OPENSEARCH else ["opensearch=0"])]
        return [part for scale in scales for part in ("--scale", scale)]

    def _prepare(self, limits: str, carriers: Mapping[str, str]) -> None:
        volume = f"{self.compose.project}_postgres"
        if self._files.make_secrets() and _has_volume(volume):
            self._say(f"the volume {volume} is older than the secrets: it will not take the new passwords")
        self._files.write_settings(limits, carriers)
        remember_carriers(self.state, carriers)

    def _have(self, role: str, count: int) -> None:
        self.compose(*UP, "--no-deps", "--no-recreate", "--scale", f"{role}={count}", role)

    def _replace(self, role: str) -> None:
        """Start new containers, then drain the old ones, so that somebody serves all the time."""
        old = [each["ID"] for each in self.compose.containers(role)]
        self._have(role, len(old) + self._count(role))
        for container in old:
            _docker("stop", container)
            _docker("rm", container)

    def _wait_for_workers(self) -> None:
        wait_until(partial(see_workers, self.compose), "the gateways' sight of the workers", 60)

    def _renew_index(self, search: str) -> None:
        """Index all messages where another index was written to last."""
        if self.state.get("search_index") not in {None, search}:
            self._say("making the search index anew")
            self.usermessage("search", "rebuild")
        self.state.put("search_index", search)

    def usermessage(self, *arguments: str, text: str = "") -> str:
        """Run the command `usermessage` in a container of its own; return its output."""
        return self.compose.output("run", "--rm", "--no-TTY", "--no-deps", "cli", *arguments, text=text)

    def _must_run(self) -> None:
        if not self.compose.output("ps", "--quiet"):
            sys.exit(f"nothing runs for {self._folder}: make up comes first")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)


def _has_volume(name: str) -> bool:
    argv = ("docker", "volume", "inspect", name)
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _docker(*arguments: str) -> None:
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandError(f"docker {arguments[0]} failed:\n{done.stderr}")
