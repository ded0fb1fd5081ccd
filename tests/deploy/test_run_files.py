"""What a run folder remembers for Docker Compose."""

from pathlib import Path

import pytest

from deploy.docker.files import Files
from deploy.local.state import State

BESIDE = "compose.yaml:beside.yaml"


def compose_file(folder: Path) -> str | None:
    """Return what a command that begins now hands to Compose."""
    return Files(folder, State(folder / "state.json")).variables(gateways=1).get("COMPOSE_FILE")


def remember(folder: Path) -> None:
    Files(folder, State(folder / "state.json")).remember_compose_file()


def test_files_of_compose_are_remembered_until_an_up_names_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", BESIDE)
    remember(tmp_path)
    monkeypatch.delenv("COMPOSE_FILE")
    remember(tmp_path)
    assert compose_file(tmp_path) == BESIDE
    monkeypatch.setenv("COMPOSE_FILE", "compose.yaml")
    remember(tmp_path)
    monkeypatch.delenv("COMPOSE_FILE")
    assert compose_file(tmp_path) == "compose.yaml"


def test_no_file_of_compose_is_named_unless_somebody_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    remember(tmp_path)
    assert compose_file(tmp_path) is None
