"""The carriers of the local stack: a file that is right, with the secrets that it names."""

from pathlib import Path

import pytest

from deploy.docker.files import Files
from deploy.local.carriers import CONSOLE, carrier_settings, remember_carriers
from deploy.local.state import State
from services.delivery.carrier_file import CarrierFileError

EXAMPLES = CONSOLE.parent
SECRETS = {"KANNEL_PASSWORD": "a-secret-of-tests", "KANNEL_WEBHOOK_SECRET": "another-secret-of-tests"}
KANNEL = {"CARRIERS_FILE": str(EXAMPLES / "kannel.toml"), **SECRETS}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.json")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with the secrets, which forgets what a test adds to it."""
    for name, secret in {**SECRETS, "JSON_CARRIER_TOKEN": "not for kannel"}.items():
        monkeypatch.setenv(name, secret)
    return monkeypatch


def test_without_a_file_sms_are_printed(state: State) -> None:
    assert carrier_settings(None, state) == {"CARRIERS_FILE": str(CONSOLE)}


@pytest.mark.usefixtures("environment")
def test_secrets_that_the_file_names_go_along_and_no_others(state: State) -> None:
    assert carrier_settings(EXAMPLES / "kannel.toml", state) == KANNEL


def test_a_relative_path_is_the_callers(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(CONSOLE.read_text())
    monkeypatch.chdir(tmp_path)
    assert carrier_settings(Path("mine.toml"), state) == {"CARRIERS_FILE": str(tmp_path.resolve() / "mine.toml")}


def test_a_wrong_file_starts_nothing(state: State) -> None:
    with pytest.raises(CarrierFileError, match="KANNEL_PASSWORD"):
        carrier_settings(EXAMPLES / "kannel.toml", state)


def test_a_file_and_its_secrets_are_remembered_until_another_is_named(
    state: State, environment: pytest.MonkeyPatch
) -> None:
    """Or whoever repeats the command without them would let texts be printed that were sent before."""
    remember_carriers(state, carrier_settings(EXAMPLES / "kannel.toml", state))
    for name in SECRETS:
        environment.delenv(name)
    assert carrier_settings(None, state) == KANNEL
    environment.setenv("KANNEL_PASSWORD", "a-new-secret-of-tests")
    assert carrier_settings(None, state) == {**KANNEL, "KANNEL_PASSWORD": "a-new-secret-of-tests"}
    assert carrier_settings(CONSOLE, state) == {"CARRIERS_FILE": str(CONSOLE)}


def test_containers_are_given_another_name_for_another_content(state: State, tmp_path: Path) -> None:
    """Compose replaces containers when a variable differs, not when a file does."""
    file, files = tmp_path / "mine.toml", Files(tmp_path, state)
    names = []
    for content in ("one", "one", "two", "three"):
        file.write_text(content)
        files.lay_carriers(file)
        names.append(files.variables(gateways=1)["CARRIERS_NAME"])
    assert names[0] == names[1]
    assert len({*names}) == 3
    laid = {path.name: path.read_text() for path in (tmp_path / "carriers").iterdir()}
    assert laid == {names[2]: "two", names[3]: "three"}
