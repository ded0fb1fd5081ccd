"""The carriers of the local stack: a file that is right, with the secrets that it names."""

from pathlib import Path

import pytest

from deploy.local.carriers import CONSOLE, carrier_settings
from services.delivery.carrier_file import CarrierFileError

EXAMPLES = CONSOLE.parent


def test_without_a_file_sms_are_printed() -> None:
    assert carrier_settings(CONSOLE) == {"CARRIERS_FILE": str(CONSOLE)}


def test_secrets_that_the_file_names_go_along_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"KANNEL_PASSWORD": "a-secret-of-tests", "KANNEL_WEBHOOK_SECRET": "another-secret-of-tests"}
    for name, secret in {**secrets, "JSON_CARRIER_TOKEN": "not for kannel"}.items():
        monkeypatch.setenv(name, secret)
    assert carrier_settings(EXAMPLES / "kannel.toml") == {"CARRIERS_FILE": str(EXAMPLES / "kannel.toml"), **secrets}


def test_a_relative_path_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(CONSOLE.read_text())
    monkeypatch.chdir(tmp_path)
    assert carrier_settings(Path("mine.toml")) == {"CARRIERS_FILE": str(tmp_path.resolve() / "mine.toml")}


def test_a_wrong_file_starts_nothing() -> None:
    with pytest.raises(CarrierFileError, match="KANNEL_PASSWORD"):
        carrier_settings(EXAMPLES / "kannel.toml")
