"""Settings: read from the environment and from files, each documented."""

import dataclasses
from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError

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


def test_the_documented_table_is_the_one_in_the_code() -> None:
    rows = [line.split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    documented = {row[0].strip("| `"): row[2].removesuffix(" |") for row in rows}
    coded = {
        field.name.upper(): field.metadata["meaning"] + ("; *secret*" if field.metadata["secret"] else "")
        for field in dataclasses.fields(Settings)
    }
    assert documented == coded
