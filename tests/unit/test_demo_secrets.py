"""In production nothing starts with a secret that anybody can guess."""

import re
from pathlib import Path

import pytest

from deploy.local.roles import ROOT
from shared.settings import Settings, SettingsError

_GUESSED = "its password is one that anybody can guess"
# What stands before a host, and what a manifest gives to a server; what code fills in is no password.
_SHOWN = (re.compile(r"://[\w.-]*:([^\s:@/{}$\"']+)@"), re.compile(r"(?:PASSWORD|_PASS), value: ([^\s}]+)"))
GOOD = {
    "ENVIRONMENT": "production",
    "AMQP_URL": "amqp://usermessage:kX3vQ9tLw2@broker.example/",
    "DATABASE_URL": "postgresql://usermessage:pR8sN4mZc6@database.example/usermessage",
    "OPENSEARCH_URL": "https://usermessage:hT5yB7jDf1@search.example",
    "LIMITS_URL": "redis://:gW2uE8aKq4@limits.example",
}


def test_production_starts_with_secrets_of_its_own() -> None:
    Settings.from_environment(GOOD)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("AMQP_URL", "amqp://guest:guest@broker.example/", _GUESSED),
        ("AMQP_URL", "amqp://broker.example/", "it has no password"),
        ("DATABASE_URL", "postgresql://usermessage@database.example/x", "it has no password"),
        ("DATABASE_URL", "postgresql://one:one@database.example/x", _GUESSED),
        ("DATABASE_URL", "postgresql://one:CHANGE-ME@database.example/x", _GUESSED),
        ("DATABASE_URL", "postgresql://database.example/x?user=one&password=secret", _GUESSED),
        ("DATABASE_URL", "postgresql://someones@database.example/x?password=someones", _GUESSED),
        ("AMQP_URL", "amqp://usermessage:development@rabbitmq:5672/", _GUESSED),
        ("AMQP_URL", "amqp://usermessage:Password-1@rabbitmq:5672/", _GUESSED),
        ("AMQP_URL", "amqp://usermessage:your-password@rabbitmq:5672/", _GUESSED),
        ("AMQP_URL", "amqp://broker.example/?password=kX3vQ9tLw2", "it has no password"),
        ("LIMITS_URL", "redis://:kX3vQ9t@limits.example", _GUESSED),
        ("OPENSEARCH_URL", "https://admin:admin@search.example", _GUESSED),
        ("LIMITS_URL", "redis://:changeme@limits.example", _GUESSED),
        ("FAILPOINTS", "server.ran=kill", "they are for tests"),
    ],
)
def test_production_refuses_what_anybody_can_guess(name: str, text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({**GOOD, name: text})
    assert str(error.value) == f"{name}: {reason}"
    Settings.from_environment({**GOOD, name: text, "ENVIRONMENT": "development"})


def _shown() -> set[str]:
    """Return the passwords that a reader of the project finds in its manifests, examples and words."""
    folders = (ROOT / "deploy", ROOT / "services" / "delivery" / "carriers" / "examples")
    files = [ROOT / "compose.yaml", ROOT / "README.md", *(each for folder in folders for each in folder.rglob("*"))]
    texts = [each.read_text(encoding="utf-8", errors="replace") for each in files if each.is_file()]
    return {found for text in texts for pattern in _SHOWN for found in pattern.findall(text)}


def test_production_refuses_every_password_that_the_project_shows() -> None:
    shown = _shown()
    assert "development" in shown
    for password in shown:
        with pytest.raises(SettingsError, match=_GUESSED):
            Settings.from_environment({**GOOD, "AMQP_URL": f"amqp://one:{password}@broker.example/"})


def test_production_refuses_the_default_and_lists_everything() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"ENVIRONMENT": "production", "LIMITS_URL": "redis://:redis@limits.example"})
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["AMQP_URL", "LIMITS_URL"]


@pytest.mark.parametrize(
    "settings",
    [
        {"AMQP_URL": "amqps://broker.example", "AMQP_CERTIFICATE": "/etc/usermessage/worker.pem"},
        {"DATABASE_URL": "postgresql://worker@database.example/x?sslcert=/etc/worker.pem&sslkey=/etc/key.pem"},
        {"OPENSEARCH_URL": "http://search.example:9200"},
        {"LIMITS_URL": "redis://limits.example"},
    ],
)
def test_a_certificate_or_a_server_without_users_needs_no_password(settings: dict[str, str]) -> None:
    Settings.from_environment({**GOOD, **settings})


def test_certificates_that_cannot_be_read_are_told_at_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for name in ("AMQP_CA", "DATABASE_CA", "OPENSEARCH_CA", "LIMITS_CA"):
        for path in (tmp_path / "nowhere.pem", empty):
            with pytest.raises(SettingsError, match=f"{name}: no certificates can be read from"):
                Settings.from_environment({name: str(path)})


def test_a_certificate_for_a_broker_without_tls_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="it has to begin with amqps://"):
        Settings.from_environment({"AMQP_URL": "amqp://broker.example", "AMQP_CERTIFICATE": "/etc/worker.pem"})
