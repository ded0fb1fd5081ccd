"""The roles of one run folder: how many of each there are, with which settings, on which ports."""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from functools import partial

from deploy.local.carriers import remember_carriers, remembered_carriers
from deploy.local.process import Command, wait_until
from deploy.local.roles import ROLES, is_ready, role_command, role_names, sees_workers
from deploy.local.search import Search
from deploy.local.servers import Servers
from deploy.local.state import State
from deploy.local.supervisor import Supervisor, refuse_unwritable
from shared.settings import Settings

# Settings that the stack decides; any other setting is passed on from the environment of `make up`.
DECIDED = {
    "AMQP_URL", "AMQP_CA", "AMQP_CERTIFICATE", "AMQP_KEY", "DATABASE_URL", "DATABASE_CA",
    "SEARCH_BACKEND", "OPENSEARCH_URL", "OPENSEARCH_CA", "TLS_CERTIFICATE", "TLS_KEY",
    "HOST", "PORT", "HEALTH_HOST", "HEALTH_PORT", "LIMITS", "CARRIERS_FILE", "WEBHOOKS_PORT",
}  # fmt: skip

_WEBHOOKS_PORT = "webhooks_port"


class Fleet:
    """What the state remembers of the roles, as commands to supervise."""

    def __init__(self, state: State, supervisor: Supervisor, servers: Servers, search: Search) -> None:
        self._state = state
        self._supervisor = supervisor
        self._servers = servers
        self._search = search

    def count(self, role: str) -> int:
        return int(self._state.get(f"{role}_count") or 1)

    def set_count(self, role: str, count: int) -> None:
        self._state.put(f"{role}_count", str(count))

    def names(self, role: str) -> list[str]:
        return role_names(role, self.count(role))

    @property
    def all_names(self) -> list[str]:
        return [name for role in ROLES for name in self.names(role)]

    @property
    def base_urls(self) -> list[str]:
        """Return one address for each gateway."""
        return [f"http://127.0.0.1:{self._state.port(_port(name))}" for name in self.names("gateway")]

    def set_settings(self, limits: str, carriers: Mapping[str, str]) -> None:
        """Remember the settings of this run, so that a process added later has the same as its neighbours."""
        settings = {**passed_on(DECIDED), "LIMITS": limits}
        # Before it is remembered, or a later `make up` would stumble over it again.
        refuse_unwritable(role_command("delivery", {**settings, **carriers}, 0).full_environment())
        self._state.put("settings", json.dumps(settings))
        remember_carriers(self._state, carriers)

    @property
    def was_up(self) -> bool:
        """Whether the stack has had roles before, and so perhaps messages."""
        return self._state.get("settings") is not None

    @property
    def settings(self) -> dict[str, str]:
        remembered: dict[str, str] = json.loads(self._state.get("settings") or "{}")
        # No balancer stands before these gateways that would have to notice that one leaves.
        remembered.setdefault("LEAVE_SECONDS", "1")
        return {**remembered, **self._servers.environment, **self._search.environment, "HOST": "127.0.0.1"}

    def choose_ports(self, running: Collection[str]) -> None:
        """Give a free port to each process that does not run, late, so that two stacks hardly take the same."""
        for name in self.all_names:
            if name in running:
                continue
            if name in self.names("gateway"):
                self._state.port_now_free(_port(name), preferred=8080 if name == "gateway" else None)
            self._state.port_now_free(_health_port(name))
        if not any(name in running for name in self.names("delivery")):
            self._state.port_now_free(_WEBHOOKS_PORT, preferred=8090)

    def commands(self) -> list[Command]:
        return [role_command(name, self._settings_of(name), self.health_port(name)) for name in self.all_names]

    def health_port(self, name: str) -> int:
        return self._state.port(_health_port(name))

    def wait_ready(self, names: Iterable[str]) -> None:
        """Wait until each is ready; raise `TimeoutError` that names its log."""
        for name in names:
            what = f"{name} (see {self._supervisor.logs / name}.log)"
            wait_until(partial(is_ready, self.health_port(name)), what, 60)
        for name in self.names("gateway"):
            wait_until(partial(sees_workers, self.health_port(name)), f"{name}'s sight of the workers", 60)

    def _settings_of(self, name: str) -> dict[str, str]:
        if name in self.names("gateway"):
            return {**self.settings, "PORT": str(self._state.port(_port(name)))}
        if name in self.names("delivery"):
            # All processes of the role share the port.
            carriers = remembered_carriers(self._state)
            return {**self.settings, **carriers, "WEBHOOKS_PORT": str(self._state.port(_WEBHOOKS_PORT))}
        return self.settings


def passed_on(decided: Collection[str]) -> dict[str, str]:
    """Return the settings in our environment, apart from those that the stack decides."""
    known = {field.name.upper() for field in fields(Settings)} - {*decided}
    return {name: os.environ[name] for name in sorted(known) if name in os.environ}


def _port(name: str) -> str:
    return "port" if name == "gateway" else f"{name}_port"


def _health_port(name: str) -> str:
    return f"{name}_health_port"
