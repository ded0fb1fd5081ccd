"""Settings: one table, read from environment variables of the same names in upper case.

A secret may also come from a file, whose path is in `<NAME>_FILE`. `deploy/README.md` documents this table; a test
holds the two against each other.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, get_type_hints

from shared.demo_secrets import guessable
from shared.setting_checks import Check, certificates, each, fitting, one_of, url
from shared.tls import amqp_address, postgres_address, redis_address

# A hundred years.
RETENTION_DAYS_LIMIT = 36_500


class SettingsError(ValueError):
    """One or more settings cannot be read; the text has a line for each."""


def setting(
    default: Any,
    meaning: str,
    *,
    secret: bool = False,
    least: float = -math.inf,
    most: float = math.inf,
    check: Check | None = None,
) -> Any:
    """Declare a setting with its default, what it means, whether it may come from a file, and what it may be.

    A number lies in `least`..`most`; `check` raises `ValueError` for what it does not take.
    """
    metadata = {"meaning": meaning, "secret": secret, "least": least, "most": most, "check": check}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of all roles."""

    environment: str = setting(
        "development",
        "development or production; in production nothing starts with a secret that anybody can guess",
        check=one_of("development", "production"),
    )
    amqp_url: str = setting(
        "amqp://guest:guest@127.0.0.1:5672/",
        "RabbitMQ, as a URL with user and password",
        secret=True,
        check=url("amqp", "amqps"),
    )
    amqp_ca: str = setting(
        "",
        "path of the certificates by which RabbitMQ is known; empty: those that the system trusts",
        check=certificates,
    )
    amqp_certificate: str = setting("", "path of the certificate by which RabbitMQ knows this process; empty: none")
    amqp_key: str = setting("", "path of its key; empty: the key is in the file of the certificate")
    database_url: str = setting(
        "postgresql://usermessage@127.0.0.1:5432/usermessage",
        "Postgres, as a URL with user and password",
        secret=True,
        check=url("postgresql", "postgres"),
    )
    database_ca: str = setting(
        "",
        "path of the certificates by which Postgres is known, which then must have TLS; empty: what its URL says",
        check=certificates,
    )
    search_backend: str = setting(
        "opensearch",
        "what searches: opensearch, or postgres, which needs no further server",
        check=one_of("opensearch", "postgres"),
    )
    opensearch_url: str = setting(
        "http://127.0.0.1:9201",
        "OpenSearch, as a URL, with user and password where it asks for them",
        secret=True,
        check=url("http", "https"),
    )
    opensearch_ca: str = setting(
        "",
        "path of the certificates by which OpenSearch is known; empty: those that the system trusts",
        check=certificates,
    )
    opensearch_index: str = setting(
        "usermessage",
        "name in OpenSearch under which this installation has its index",
        check=fitting("[a-z0-9][a-z0-9-]{0,99}", "lower-case letters, digits and hyphens"),
    )
    host: str = setting("127.0.0.1", "address on which the gateway serves the API")
    port: int = setting(8080, "port on which the gateway serves the API", least=1, most=65535)
    tls_certificate: str = setting(
        "", "path of the gateway's certificate and those behind it, read again on SIGHUP; empty: it serves without TLS"
    )
    tls_key: str = setting("", "path of its key; empty: the key is in the file of the certificate")
    health_host: str = setting("127.0.0.1", "address for health and metrics, private")
    health_port: int = setting(9090, "port for health and metrics, private", least=1, most=65535)
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR", check=one_of("DEBUG", "INFO", "WARNING", "ERROR"))
    drain_seconds: float = setting(20.0, "how long a stopping process may finish what it has accepted", least=0)
    leave_seconds: float = setting(
        5.0,
        "how long a stopping gateway takes new connections after it stopped being ready: balancers notice late",
        least=0,
    )
    keep_alive_seconds: float = setting(75.0, "how long the gateway keeps an idle connection", least=1)
    real_http_statuses: bool = setting(False, "answer API errors with HTTP statuses of their own instead of 200")
    trusted_proxies: tuple[str, ...] = setting(
        (), "networks whose X-Forwarded-For is believed, comma-separated", check=each(ip_network, strict=False)
    )
    limits: bool = setting(True, "whether rate limits apply")
    limits_url: str = setting(
        "",
        "Redis or Valkey in which gateways count together, as a URL; empty: each counts in its memory",
        secret=True,
        check=url("redis", "rediss", "valkey", "valkeys", "unix", empty=True, options=False),
    )
    limits_ca: str = setting(
        "", "path of the certificates by which it is known; empty: those that the system trusts", check=certificates
    )
    limit_application_calls: int = setting(0, "calls of one application in each window; 0: no such limit", least=0)
    limit_application_seconds: int = setting(4, "length of that window, in seconds", least=1)
    limit_account_calls: int = setting(2000, "calls of one account in each window; 0: no such limit", least=0)
    limit_account_seconds: int = setting(4, "length of that window, in seconds", least=1)
    limit_read_calls: int = setting(0, "reading calls of one account in that window; 0: no such limit", least=0)
    limit_write_calls: int = setting(0, "writing calls of one account in that window; 0: no such limit", least=0)
    limit_send_calls: int = setting(0, "sending calls of one account in that window; 0: no such limit", least=0)
    limit_logins: int = setting(60, "logins a minute and client address (IPv6: /64); 0: no such limit", least=0)
    limit_failed_authentications: int = setting(
        120, "failed authentications a minute and client address (IPv6: /64); 0: no such limit", least=0
    )
    hide_unknown_numbers: bool = setting(False, "answer a login of an unknown number like one with a wrong password")
    device_limit: int = setting(20, "devices that an account may have", least=1, most=1000)
    retention_days: int = setting(
        0,
        "days after which messages go, for accounts without days of their own; 0: never",
        least=0,
        most=RETENTION_DAYS_LIMIT,
    )
    authentication_cache_seconds: float = setting(30.0, "how long the gateway trusts a looked-up token", least=0)
    waiting_per_queue: int = setting(2000, "calls that may wait on one command queue; more get code 98", least=1)
    waiting_total: int = setting(4000, "calls that may wait on all command queues together; more get code 98", least=1)
    unsent_octets: int = setting(
        536_870_912,
        "octets of unread answers; above it clients that do not read are cut off, new calls get code 98",
        least=1,
    )
    budget_seconds: float = setting(5.0, "how long a call may take before it is answered with code 99", least=0.1)
    slots: int = setting(2, "envelopes that a worker runs at the same time", least=1)
    pool_size: int = setting(4, "database connections of a worker for its commands", least=1)
    patient_pool_size: int = setting(
        4, "database connections of a worker for commands that wait for a locked mailbox", least=1
    )
    event_retry_seconds: float = setting(
        1.0, "first delay of an event whose handling failed; each further one is 4 times as long", least=0.01
    )
    carriers_file: str = setting(
        "", "TOML file of carriers, routes and guards, read again on SIGHUP; empty: SMS are left to workers with one"
    )
    delivery_attempts: int = setting(
        8, "how often a message is tried that carriers refuse for a time", least=1, most=100
    )
    delivery_retry_seconds: float = setting(
        5.0,
        "first delay of such a message; each further one is twice as long, at most 900",
        least=0.01,
        most=900,
    )
    delivery_validity_seconds: int = setting(
        172_800, "how long a message may wait for a carrier before it expires", least=1, most=604_800
    )
    delivery_lease_seconds: float = setting(
        60.0, "after which a submission whose worker is gone counts as unknown", least=1, most=3600
    )
    delivery_bind_seconds: float = setting(
        10.0,
        "how long a dead worker's bind to a carrier is kept from others; a live one renews it three times in that",
        least=1,
        most=60,
    )
    delivery_part_seconds: float = setting(
        300.0, "how long the parts of an inbound message are waited for, before those that came go on", least=1
    )
    delivery_history_days: int = setting(30, "how long the timeline of a message is kept", least=1, most=3650)
    webhooks_host: str = setting("127.0.0.1", "address on which delivery serves the webhooks of carriers")
    webhooks_port: int = setting(
        8090, "port on which delivery serves them; workers of one machine share it", least=1, most=65535
    )
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
                    found[field.name] = _value(text, hints[field.name], field.metadata)
            except (ValueError, OSError) as error:
                errors.append(f"{field.name.upper()}: {error}")
        settings = cls(**found) if not errors else None
        if settings and settings.environment.lower() == "production":
            errors = guessable(settings, {"amqp_url", *found})
        if errors or not settings:
            raise SettingsError("\n".join(errors))
        return _addressed(settings)


def _addressed(settings: Settings) -> Settings:
    """Put what servers are known by into their addresses, where their clients look for it."""
    try:
        return dataclasses.replace(
            settings,
            amqp_url=amqp_address(
                settings.amqp_url, ca=settings.amqp_ca, certificate=settings.amqp_certificate, key=settings.amqp_key
            ),
            database_url=postgres_address(settings.database_url, ca=settings.database_ca),
            limits_url=redis_address(settings.limits_url, ca=settings.limits_ca),
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _text(name: str, environment: Mapping[str, str], *, secret: bool) -> str | None:
    path = environment.get(f"{name}_FILE") if secret else None
    if path is not None:
        return Path(path).read_text(encoding="utf-8").strip()
    return environment.get(name)


def _value(text: str, kind: Any, allowed: Mapping[str, Any]) -> Any:
    value = _PARSERS[kind](text)
    if kind in {int, float}:
        least, most = allowed["least"], allowed["most"]
        if not (math.isfinite(value) and least <= value <= most):
            raise ValueError(f"{value} is not {range_text(least, most)}")
    if allowed["check"] is not None:
        allowed["check"](value)
    return value


def range_text(least: float, most: float) -> str:
    """Say which numbers a setting takes."""
    if math.isinf(most):
        return f"{least:g} or more"
    return f"from {least:g} to {most:g}"


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
