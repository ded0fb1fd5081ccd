"""Settings and secrets of a run folder reach its processes or containers as they are, or are refused."""

from dataclasses import fields
from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser

from deploy.docker.files import Files, UnwritableError
from deploy.local.fleet import DECIDED, Fleet, passed_on
from deploy.local.process import Command
from deploy.local.roles import role_command
from deploy.local.search import Search
from deploy.local.servers import Servers
from deploy.local.state import State
from deploy.local.supervisor import Supervisor, SupervisorError
from shared.settings import Settings, SettingsError

NAME = "SMPP_PASSWORD"


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path, State(tmp_path / "state.json"))


def handed_on(folder: Path) -> str:
    """Return the variable as supervisord reads it."""
    parser = UnhosedConfigParser()
    parser.read(str(folder / "supervisord.conf"))
    pairs = dict_of_key_value_pairs(parser.get("program:delivery", "environment"))
    return str(pairs[NAME]).replace("%%", "%")


@pytest.mark.parametrize(
    "value", ["", "a b", "a'b", "100%", "a#b;c", "#a", ";a", "a\\", "a\\'b", "a=b,c", "$a `b`", "ä"]
)
def test_supervisord_hands_a_value_on(supervisor: Supervisor, tmp_path: Path, value: str) -> None:
    supervisor.configure([Command(name="delivery", argv=("true",), environment={NAME: value})])
    assert handed_on(tmp_path) == value


@pytest.mark.parametrize("value", ["ab'", "'ab", "a #b", "a\t;b", 'a"b', "a\nb", "a\rb", "'"])
def test_what_supervisord_would_change_is_refused(supervisor: Supervisor, value: str) -> None:
    with pytest.raises(SupervisorError, match=f"cannot hand {NAME} on") as refused:
        supervisor.configure([Command(name="delivery", argv=("true",), environment={NAME: value})])
    assert value == "'" or value not in str(refused.value)


def test_what_is_refused_is_not_remembered(supervisor: Supervisor, tmp_path: Path) -> None:
    """Another `make up` with a better one would stumble over it."""
    state = State(tmp_path / "state.json")
    fleet = Fleet(state, supervisor, Servers(tmp_path), Search(tmp_path, state))
    with pytest.raises(SupervisorError):
        fleet.set_settings("on", {NAME: 'a"b'})
    assert not fleet.was_up


def written(folder: Path, value: str) -> str:
    """Return the file of a carrier's secret, as Compose gets it."""
    (folder / "console.toml").touch()
    files = Files(folder, State(folder / "state.json"))
    files.write_settings("on", {"CARRIERS_FILE": str(folder / "console.toml"), NAME: value})
    return (folder / "carriers.env").read_text(encoding="utf-8")


# As Docker Compose 2.40 reads them.
@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a'b", r"'a\'b'"),
        ("a\\\\", r"'a\\'"),
        (r"a\\'b", r"'a\\\'b'"),
        ('a #$"\\b', r"""'a #$"\b'"""),
    ],
)
def test_compose_hands_a_value_on(tmp_path: Path, value: str, line: str) -> None:
    assert written(tmp_path, value) == f"{NAME}={line}\n"


@pytest.mark.parametrize("value", ["a\\", "a\\\\\\", r"a\'b", "\\"])
def test_what_compose_would_change_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(UnwritableError, match=f"cannot hand {NAME} on"):
        written(tmp_path, value)


def test_no_certificate_of_another_server_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The servers of the stack have none, and its gateways are called without TLS."""
    names = [each.name.upper() for each in fields(Settings) if each.name.endswith(("_ca", "_certificate", "_key"))]
    for name in names:
        monkeypatch.setenv(name, "/nowhere.pem")
    assert {*names} - {*DECIDED} == {"LIMITS_CA"}
    assert passed_on(DECIDED) == {"LIMITS_CA": "/nowhere.pem"}
    written(tmp_path, "any")
    assert "/nowhere.pem" not in (tmp_path / "settings.env").read_text(encoding="utf-8")


def test_a_role_is_not_killed_while_it_drains() -> None:
    assert role_command("messages", {}, 1).stop_seconds == 30
    assert role_command("messages-2", {"DRAIN_SECONDS": "60", "LEAVE_SECONDS": "1"}, 1).stop_seconds == 66
    with pytest.raises(SettingsError, match="DRAIN_SECONDS"):
        role_command("messages", {"DRAIN_SECONDS": "long"}, 1)
