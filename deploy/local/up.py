"""Bring the local stack up, take it down, follow its logs."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path

from deploy.local import demo
from deploy.local.commands import migrate
from deploy.local.process import Command, wait_until
from deploy.local.roles import ROLES, is_ready, role_command
from deploy.local.servers import Servers
from deploy.local.state import State
from deploy.local.supervisor import Supervisor
from shared.settings import Settings

# Settings that the stack decides; any other setting is passed on from the caller's environment.
DECIDED = {"AMQP_URL", "DATABASE_URL", "HOST", "PORT", "HEALTH_HOST", "HEALTH_PORT", "LIMITS"}


class Stack:
    """The stack of one run folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = State(self._folder / "state.json")
        self._servers = Servers(self._folder)
        self._supervisor = Supervisor(self._folder, self._state)
        self._began = time.monotonic()

    def up(self, accounts: int, limits: str) -> None:
        """Start what does not run, and wait until all of it is ready."""
        fresh = not self._supervisor.running
        if fresh:
            self._say("looking for Postgres and RabbitMQ")
            self._servers.prepare()
            self._supervisor.configure(self._server_commands())
            self._supervisor.start()
        self._start_servers()
        self._say("migrating the database")
        migrate(self._servers.environment)
        if fresh:
            self._choose_ports()
        settings = self._settings(limits)
        self._start_roles(settings)
        self._show_demo(settings, accounts)

    def down(self) -> None:
        if self._supervisor.running:
            self._say("stopping")
            self._supervisor.stop()
        self._say(f"down; data stays in {self._folder}")

    def logs(self) -> None:
        """Become `tail`, until the caller interrupts it."""
        files = sorted(str(path) for path in self._supervisor.logs.glob("*.log"))
        if not files:
            sys.exit(f"no logs in {self._supervisor.logs}: make up comes first")
        os.execvp("tail", ["tail", "-n", "20", "-F", *files])

    def _choose_ports(self) -> None:
        """Choose the roles' ports late, so that another stack that starts now hardly takes the same."""
        self._state.port_now_free("port", preferred=8080)
        for role in ROLES:
            self._state.port_now_free(f"{role}_health_port")

    def _settings(self, limits: str) -> Mapping[str, str]:
        known = {field.name.upper() for field in fields(Settings)} - DECIDED
        passed_on = {name: os.environ[name] for name in sorted(known) if name in os.environ}
        port = str(self._state.port("port"))
        return {**passed_on, **self._servers.environment, "HOST": "127.0.0.1", "PORT": port, "LIMITS": limits}

    def _server_commands(self) -> list[Command]:
        postgres, rabbitmq = self._servers.postgres, self._servers.rabbitmq
        return [postgres.command, rabbitmq.names_command, rabbitmq.command]

    def _start_servers(self) -> None:
        self._say("starting Postgres and RabbitMQ")
        postgres, rabbitmq = self._servers.postgres, self._servers.rabbitmq
        self._supervisor.start_programs("epmd", "postgres")
        wait_until(rabbitmq.names_ready, "epmd", 10)
        self._supervisor.start_programs("rabbitmq")
        postgres.wait_ready()
        rabbitmq.wait_ready()

    def _start_roles(self, settings: Mapping[str, str]) -> None:
        self._say(f"starting {', '.join(ROLES)}")
        roles = [role_command(role, settings, self._health_port(role)) for role in ROLES]
        self._supervisor.configure([*self._server_commands(), *roles])
        self._supervisor.start()
        self._supervisor.start_programs(*ROLES)
        for role in ROLES:
            port = self._health_port(role)
            what = f"{role} (see {self._supervisor.logs / role}.log)"
            wait_until(partial(is_ready, port), what, 60)

    def _show_demo(self, settings: Mapping[str, str], accounts: int) -> None:
        base_url = f"http://127.0.0.1:{self._state.port('port')}"
        self._say(f"making sure of {accounts} demo accounts")
        data = demo.fill(self._folder, self._state, settings, base_url, accounts)
        demo.log_in(base_url, data["api_key"], data["accounts"][0])
        self._say(f"ready: {base_url} (keys and accounts in {self._folder / 'demo.json'})\n")
        print(demo.calls(data))

    def _health_port(self, role: str) -> int:
        return self._state.port(f"{role}_health_port")

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)
