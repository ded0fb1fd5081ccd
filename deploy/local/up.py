"""Bring the local stack up, take it down, scale it, restart its roles, follow its logs."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local import demo
from deploy.local.commands import become_usermessage, command_line, migrate, rebuild_index
from deploy.local.fleet import Fleet
from deploy.local.listing import listing
from deploy.local.process import Command, wait_until
from deploy.local.roles import RESTART_ORDER
from deploy.local.search import OPENSEARCH, Search
from deploy.local.servers import Servers
from deploy.local.state import State
from deploy.local.supervisor import Supervisor


class Stack:
    """The stack of one run folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self.state = State(self._folder / "state.json")
        self._servers = Servers(self._folder)
        self._supervisor = Supervisor(self._folder, self.state)
        self._search = Search(self._folder, self.state)
        self._fleet = Fleet(self.state, self._supervisor, self._servers, self._search)
        self._began = time.monotonic()

    def up(self, accounts: int, limits: str, search: str, carriers: Mapping[str, str]) -> None:
        """Start what does not run, and wait until all of it is ready."""
        if self._supervisor.running:
            self._choose_again(search)
        else:
            self._say("looking for Postgres and RabbitMQ")
            self._servers.prepare()
            self._search.choose(search, self._say)
            self._supervisor.configure(self._server_commands())
            self._supervisor.start()
        self._start_servers()
        if not self._fleet.was_up:
            self._search.remember_index()
        self._fleet.set_settings(limits, carriers)
        self._say(f"starting {', '.join(self._fleet.all_names)}")
        self._apply(self._fleet.all_names, before_ready=self._renew_index)
        run = command_line(self._fleet.settings)
        demo.show(self._folder, self.state, run, self._fleet.base_urls, accounts=accounts, say=self._say)

    def down(self) -> None:
        if self._supervisor.running:
            self._say("stopping")
            self._supervisor.stop()
        self._say(f"down; data stays in {self._folder}")

    def scale(self, role: str, count: int) -> None:
        """Have so many processes of a role, now and after each later `up`; no other process notices."""
        before = self._fleet.names(role)
        self._fleet.set_count(role, count)
        if not self._supervisor.running:
            self._say(f"the next make up starts {count} of {role}")
            return
        names = self._fleet.names(role)
        self._say(f"{role}: {len(before)} -> {count}")
        if len(names) < len(before):
            demo.set_addresses(self._folder, self._fleet.base_urls)
        self._apply(sorted({*before, *names} - ({*before} & {*names})))
        demo.set_addresses(self._folder, self._fleet.base_urls)
        self._say(f"ready: {', '.join(names)}")

    def restart(self, roles: Sequence[str]) -> None:
        """Restart each process of these roles, one after the other, which lets it finish what it has."""
        self._must_run()
        for role in (role for role in RESTART_ORDER if role in roles):
            for name in self._fleet.names(role):
                self._say(f"restarting {name}")
                self._supervisor.restart_program(name)
                self._fleet.wait_ready([name])
        self._say("ready")

    def ps(self) -> None:
        """Print each program with its process, uptime, address and readiness."""
        self._must_run()
        print(listing(self._supervisor, self._fleet, self._servers, self._search))

    def logs(self) -> None:
        """Become `tail`, until the caller interrupts it."""
        files = sorted(str(path) for path in self._supervisor.logs.glob("*.log"))
        if not files:
            sys.exit(f"no logs in {self._supervisor.logs}: make up comes first")
        os.execvp("tail", ["tail", "-n", "20", "-F", *files])

    def cli(self, arguments: Sequence[str]) -> None:
        """Become the command `usermessage`, with the settings of this stack."""
        self._must_run()
        become_usermessage(self._fleet.settings, arguments)

    def _must_run(self) -> None:
        if not self._supervisor.running:
            sys.exit(f"nothing runs in {self._folder}: make up comes first")

    def _choose_again(self, search: str) -> None:
        """Add or take away OpenSearch while everything else runs."""
        before = self._search.on_opensearch
        if search == OPENSEARCH and OPENSEARCH in self._supervisor.programs():
            return
        self._search.choose(search, self._say)
        self._supervisor.configure([*self._server_commands(), *self._fleet.commands()])
        if before or self._search.on_opensearch:
            self._supervisor.update(OPENSEARCH)

    def _server_commands(self) -> list[Command]:
        postgres, rabbitmq = self._servers.postgres, self._servers.rabbitmq
        return [postgres.command, rabbitmq.names_command, rabbitmq.command, *self._search.commands]

    def _start_servers(self) -> None:
        """Start all at once, and migrate while the slower ones come."""
        further = [command.name for command in self._search.commands]
        self._say(f"starting {', '.join(['Postgres', 'RabbitMQ', *(['OpenSearch'] if further else [])])}")
        postgres, rabbitmq = self._servers.postgres, self._servers.rabbitmq
        self._supervisor.start_programs("epmd", "postgres", *further)
        wait_until(rabbitmq.names_ready, "epmd", 10)
        self._supervisor.start_programs("rabbitmq")
        postgres.wait_ready()
        self._say("migrating the database")
        migrate(self._servers.environment)
        rabbitmq.wait_ready()
        if further:
            self._search.server.wait_ready()

    def _renew_index(self) -> None:
        """Index all messages where another index was written to last; every role writes to the right one by now."""
        if not self._search.index_is_current:
            self._say("making the search index anew")
            rebuild_index(self._fleet.settings)
            self._search.remember_index()

    def _apply(self, names: Sequence[str], before_ready: Callable[[], None] = lambda: None) -> None:
        """Bring these processes to what the fleet says: started, replaced or stopped."""
        self._fleet.choose_ports(self._supervisor.pids())
        self._supervisor.configure([*self._server_commands(), *self._fleet.commands()])
        self._supervisor.update(*names)
        wanted = [name for name in names if name in self._fleet.all_names]
        self._supervisor.start_programs(*wanted)
        before_ready()
        self._fleet.wait_ready(wanted)

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)
