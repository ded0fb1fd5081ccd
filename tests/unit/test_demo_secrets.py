"""In production nothing starts with a secret that anybody can guess."""

from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError

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
        ("AMQP_URL", "amqp://guest:guest@broker.example/", "its password is one that anybody can guess"),
        ("AMQP_URL", "amqp://broker.example/", "it has no password"),
        ("DATABASE_URL", "postgresql://usermessage@database.example/x", "it has no password"),
        ("DATABASE_URL", "postgresql://one:one@database.example/x", "its password is one that anybody can guess"),
        ("DATABASE_URL", "postgresql://one:CHANGE-ME@database.example/x", "its password is one that anybody can guess"),
        ("OPENSEARCH_URL", "https://admin:admin@search.example", "its password is one that anybody can guess"),
        ("LIMITS_URL", "redis://:changeme@limits.example", "its password is one that anybody can guess"),
        ("FAILPOINTS", "server.ran=kill", "they are for tests"),
    ],
)
def test_production_refuses_what_anybody_can_guess(name: str, text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({**GOOD, name: text})
    assert str(error.value) == f"{name}: {reason}"
    Settings.from_environment({**GOOD, name: text, "ENVIRONMENT": "development"})


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
