"""Settings: read from the environment and from files, each documented."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings, SettingsError, range_text

DOCUMENT = Path(__file__).parents[2] / "deploy" / "README.md"


def test_defaults_hold_without_an_environment() -> None:
    assert Settings.from_environment({}) == Settings()


def test_every_kind_is_read() -> None:
    settings = Settings.from_environment(
        {"PORT": "1234", "LIMITS": "off", "DRAIN_SECONDS": "1.5", "TRUSTED_PROXIES": "192.0.2.0/24, 2001:db8::/32"}
    )
    assert settings.port == 1234
    assert settings.limits is False
    assert settings.drain_seconds == 1.5
    assert settings.trusted_proxies == ("192.0.2.0/24", "2001:db8::/32")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("amqp://from-a-file/\n")
    assert Settings.from_environment({"AMQP_URL_FILE": str(file)}).amqp_url == "amqp://from-a-file/"


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"PORT": "many", "LIMITS": "maybe", "DATABASE_URL_FILE": "/nowhere/at/all"})
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["DATABASE_URL", "PORT", "LIMITS"]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("SLOTS", "0", "0 is not 1 or more"),
        ("PORT", "65536", "65536 is not from 1 to 65535"),
        ("DRAIN_SECONDS", "-1", "-1.0 is not 0 or more"),
        ("BUDGET_SECONDS", "nan", "nan is not 0.1 or more"),
        ("KEEP_ALIVE_SECONDS", "inf", "inf is not 1 or more"),
        ("LIMIT_ACCOUNT_SECONDS", "0", "0 is not 1 or more"),
        ("LOG_LEVEL", "loud", "'loud' is none of DEBUG, INFO, WARNING, ERROR"),
        ("TRUSTED_PROXIES", "192.0.2.0/24, proxy", "'proxy' does not appear to be an IPv4 or IPv6 network"),
        ("AMQP_URL", "http://127.0.0.1/", "no URL that begins with amqp:// or amqps://"),
        ("DATABASE_URL", "usermessage", "no URL that begins with postgresql:// or postgres://"),
    ],
)
def test_what_a_setting_cannot_be_is_said(name: str, text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({name: text})
    assert str(error.value) == f"{name}: {reason}"


def test_an_error_does_not_show_a_url() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"LIMITS_URL": "redis://:pass/word@127.0.0.1"})
    assert "pass" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LIMITS_URL", ""),
        ("LIMITS_URL", "redis://:password@127.0.0.1:6379/1"),
        ("LIMITS_URL", "valkeys://cache.example"),
        ("LIMITS_URL", "unix:///run/redis.sock"),
        ("DATABASE_URL", "postgres://user@one.example:5432,two.example:5432/usermessage"),
        ("LOG_LEVEL", "debug"),
        ("TRUSTED_PROXIES", "192.0.2.1/24"),
        ("LIMIT_ACCOUNT_CALLS", "0"),
    ],
)
def test_what_a_setting_can_be_is_taken(name: str, text: str) -> None:
    Settings.from_environment({name: text})


def test_every_default_is_one_that_may_be_set() -> None:
    defaults = {field.name.upper(): field.default for field in dataclasses.fields(Settings)}
    texts = {name: "" if value == () else str(value) for name, value in defaults.items()}
    assert Settings.from_environment(texts) == Settings()


def test_the_documented_table_is_the_one_in_the_code() -> None:
    section = DOCUMENT.read_text().split("\n## Settings\n")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    documented = {row[0].strip("| `"): row[2].removesuffix(" |") for row in rows}
    coded = {field.name.upper(): "; ".join(_documented(field.metadata)) for field in dataclasses.fields(Settings)}
    assert documented == coded


def _documented(metadata: Mapping[str, Any]) -> Iterator[str]:
    yield metadata["meaning"]
    if math.isfinite(metadata["least"]):
        yield range_text(metadata["least"], metadata["most"])
    if metadata["secret"]:
        yield "*secret*"
