"""Secrets that anybody can guess, which nothing may start with in production."""

import dataclasses
from collections.abc import Collection
from typing import Any, ClassVar, Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

# What servers come with, what examples show, and what stands where a secret is to be put.
_GUESSED = frozenset(
    {"guest", "admin", "root", "user", "password", "passwd", "secret", "demo", "test", "example", "usermessage",
     "postgres", "rabbitmq", "opensearch", "redis", "valkey", "changeme", "replaceme", "changeit", "todo", "xxx"}
)  # fmt: skip
# Where a stranger who can reach the server could do everything without one.
_NEEDED = ("amqp_url", "database_url")
# By which Postgres may know us instead.
_CERTIFICATES = frozenset({"sslcert", "passfile"})


class _Settings(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def failpoints(self) -> str: ...
    @property
    def amqp_certificate(self) -> str: ...


def guessable(settings: _Settings, used: Collection[str]) -> list[str]:
    """Return a line for each setting in use that production must not have; none shows a secret."""
    found = [(name, _problem(name, text, settings)) for name, text in _secrets(settings) if name in used]
    if settings.failpoints:
        found.append(("failpoints", "they are for tests"))
    return [f"{name.upper()}: {problem}" for name, problem in found if problem]


def _secrets(settings: _Settings) -> list[tuple[str, str]]:
    fields = dataclasses.fields(settings)
    return [(field.name, str(getattr(settings, field.name))) for field in fields if field.metadata["secret"]]


def _problem(name: str, text: str, settings: _Settings) -> str | None:
    parts = urlsplit(text)
    password = unquote(parts.password or "")
    if password:
        return "its password is one that anybody can guess" if _is_guessed(password, parts) else None
    certified = settings.amqp_certificate if name == "amqp_url" else _CERTIFICATES & {*parse_qs(parts.query)}
    return "it has no password" if name in _NEEDED and not certified else None


def _is_guessed(password: str, parts: SplitResult) -> bool:
    plain = "".join(letter for letter in password.lower() if letter.isalnum())
    return plain in _GUESSED or password == unquote(parts.username or "")
