"""The roles of the service as processes of this machine: `messages`, and beside it `messages-2`, `messages-3`, ..."""

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.process import Command
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("gateway", "accounts", "conversations", "messages", "search", "delivery")
# Workers first: a gateway that is newer than its workers could ask for what they do not know.
RESTART_ORDER = (*(role for role in ROLES if role != "gateway"), "gateway")
# For what a role does after it has drained.
_CLOSING_SECONDS = 5.0
_LEAVING = {"LEAVE_SECONDS", "DRAIN_SECONDS"}

# What somebody must consume before the stack serves.
_COMMAND_QUEUES = {
    "commands.accounts",
    "commands.conversations",
    "commands.messages",
    "commands.search",
    "commands.delivery",
}


def role_names(role: str, count: int) -> list[str]:
    """Name so many processes of a role."""
    return [role, *(f"{role}-{number}" for number in range(2, count + 1))][:count]


def role_command(name: str, environment: Mapping[str, str], health_port: int) -> Command:
    """Run a role of this clone; `environment` holds its settings, apart from the health port."""
    return Command(
        name=name,
        argv=(sys.executable, "-m", f"services.{name.partition('-')[0]}"),
        environment={"PYTHONUNBUFFERED": "1", **environment, "HEALTH_PORT": str(health_port)},
        directory=ROOT,
        stop_seconds=_stop_seconds(environment),
    )


def is_ready(health_port: int) -> bool:
    """Whether the role with that health port says that it is ready."""
    return _health(health_port) is not None


def sees_workers(health_port: int) -> bool:
    """Whether the gateway with that health port is ready and knows of a worker of each role."""
    problems = _health(health_port)
    return problems is not None and knows_workers(problems)


def sees_nobody(health_port: int) -> bool:
    """Whether the gateway with that health port is ready and knows that no role has a worker."""
    problems = _health(health_port)
    return problems is not None and _idle(problems) >= _COMMAND_QUEUES


def knows_workers(problems: Mapping[str, str]) -> bool:
    """Whether what a gateway reports as problems does not say that a role is away."""
    return not _COMMAND_QUEUES & _idle(problems)


def _idle(problems: Mapping[str, str]) -> set[str]:
    return set(problems.get("workers", "").removeprefix("nobody consumes ").split(", "))


def _stop_seconds(environment: Mapping[str, str]) -> float:
    """Return how long a role with these settings may take to end; raise `SettingsError`."""
    times = Settings.from_environment({name: environment[name] for name in _LEAVING & environment.keys()})
    return times.leave_seconds + times.drain_seconds + _CLOSING_SECONDS


def _health(health_port: int) -> dict[str, str] | None:
    """Return what a ready role reports as problems all the same, or none when it is not ready."""
    connection = http.client.HTTPConnection("127.0.0.1", health_port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return dict(json.loads(response.read())["problems"]) if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
