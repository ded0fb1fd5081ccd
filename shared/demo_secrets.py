"""Secrets that anybody can guess, which nothing may start with in production."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

# What servers come with, what examples show, and what stands where a secret is to be put.
_GUESSED = frozenset(
    {"guest", "admin", "root", "user", "password", "passwd", "secret", "demo", "test", "example", "usermessage",
     "postgres", "rabbitmq", "opensearch", "redis", "valkey", "changeme", "replaceme", "changeit", "todo", "xxx",
     "development", "production", "administrator", "password1", "password123", "passw0rd", "yourpassword", "mypassword",
     "12345678", "123456789", "1234567890", "87654321", "11111111", "00000000", "qwertyuiop", "qwerty123", "letmein1",
     "supersecret", "topsecret", "postgresql", "placeholder"}
)  # fmt: skip
# Fewer letters are guessed by whoever tries for long enough.
_FEWEST = 8
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
    # Only Postgres takes a password among the options.
    options = parse_qs(parts.query) if name == "database_url" else {}
    if password := _given(options, "password", parts.password):
        guessed = _is_guessed(password, _given(options, "user", parts.username))
        return "its password is one that anybody can guess" if guessed else None
    certified = settings.amqp_certificate if name == "amqp_url" else _CERTIFICATES & {*options}
    return "it has no password" if name in _NEEDED and not certified else None


def _given(options: Mapping[str, list[str]], name: str, before_host: str | None) -> str:
    """Return what stands among the options of an address, which Postgres prefers, else before its host."""
    return options[name][-1] if name in options else unquote(before_host or "")


def _is_guessed(password: str, user: str) -> bool:
    plain = "".join(letter for letter in password.lower() if letter.isalnum())
    return len(password) < _FEWEST or plain in _GUESSED or password == user
