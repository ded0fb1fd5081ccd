"""Settings: one table, read from environment variables of the same names in upper case.

A secret may also come from a file, whose path is in `<NAME>_FILE`. `deploy/README.md` documents this table; a test
holds the two against each other.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints


class SettingsError(ValueError):
    """One or more settings cannot be read; the text has a line for each."""


def setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    """Declare a setting with its default, what it means, and whether it may come from a file."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of all roles."""

    amqp_url: str = setting(
        "amqp://guest:guest@127.0.0.1:5672/", "RabbitMQ, as a URL with user and password", secret=True
    )
    database_url: str = setting(
        "postgresql://usermessage@127.0.0.1:5432/usermessage", "Postgres, as a URL with user and password", secret=True
    )
    host: str = setting("127.0.0.1", "address on which the gateway serves the API")
    port: int = setting(8080, "port on which the gateway serves the API")
    health_host: str = setting("127.0.0.1", "address for health and metrics, private")
    health_port: int = setting(9090, "port for health and metrics, private")
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    drain_seconds: float = setting(20.0, "how long a stopping process may finish what it has accepted")
    keep_alive_seconds: float = setting(75.0, "how long the gateway keeps an idle connection")
    real_http_statuses: bool = setting(False, "answer API errors with HTTP statuses of their own instead of 200")
    trusted_proxies: tuple[str, ...] = setting((), "networks whose X-Forwarded-For is believed, comma-separated")
    limits: bool = setting(True, "whether rate limits apply")
    limit_account_calls: int = setting(2000, "calls of one account in each window")
    limit_account_seconds: int = setting(4, "length of that window, in seconds")
    limit_logins: int = setting(60, "logins a minute and client address")
    limit_failed_authentications: int = setting(120, "failed authentications a minute and client address")
    device_limit: int = setting(20, "devices that an account may have")
    authentication_cache_seconds: float = setting(30.0, "how long the gateway trusts a looked-up token")
    waiting_per_queue: int = setting(2000, "calls that may wait on one command queue; more get code 98")
    waiting_total: int = setting(4000, "calls that may wait on all command queues together; more get code 98")
    budget_seconds: float = setting(5.0, "how long a call may take before it is answered with code 99")
    slots: int = setting(2, "envelopes that a worker runs at the same time")
    pool_size: int = setting(4, "database connections of a worker for its commands")
    patient_pool_size: int = setting(4, "database connections of a worker for commands that wait for a locked mailbox")
    failpoints: str = setting("", "for tests: points at which the process dies or waits, such as server.ran=kill")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read every setting that the environment names; raise `SettingsError` that lists each bad one."""
        found: dict[str, Any] = {}
        errors: list[str] = []
        hints = get_type_hints(cls)
        for field in dataclasses.fields(cls):
            try:
                text = _text(field.name.upper(), environment, secret=field.metadata["secret"])
                if text is not None:
                    found[field.name] = _PARSERS[hints[field.name]](text)
            except (ValueError, OSError) as error:
                errors.append(f"{field.name.upper()}: {error}")
        if errors:
            raise SettingsError("\n".join(errors))
        return cls(**found)


def _text(name: str, environment: Mapping[str, str], *, secret: bool) -> str | None:
    path = environment.get(f"{name}_FILE") if secret else None
    if path is not None:
        return Path(path).read_text(encoding="utf-8").strip()
    return environment.get(name)


_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


def _switch(text: str) -> bool:
    try:
        return _SWITCH[text.strip().lower()]
    except KeyError:
        raise ValueError("neither on nor off") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: _switch,
    tuple[str, ...]: _names,
}
