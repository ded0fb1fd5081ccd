"""What a stack runs in is chosen once: by name, else by whether an engine answers."""

from pathlib import Path

import pytest

from deploy.local import kind
from deploy.local.kind import AUTO, DOCKER, NATIVE, WrongKindError, choose, kind_of
from deploy.local.state import State


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Return a list whose last entry is what is wrong with the engine."""
    problems: list[str | None] = [None]
    monkeypatch.setattr(kind, "engine_problem", lambda: problems[-1])
    return problems


def _filled(folder: Path, **values: str) -> None:
    for name, value in values.items():
        State(folder / "state.json").put(name, value)


def test_engine_that_answers_is_preferred(tmp_path: Path, engine: list[str | None]) -> None:
    assert choose(tmp_path, AUTO) == DOCKER
    assert kind_of(tmp_path) == DOCKER
    engine.append("it is away")
    assert choose(tmp_path, AUTO) == NATIVE
    assert kind_of(tmp_path) == NATIVE


def test_either_can_be_forced(tmp_path: Path, engine: list[str | None]) -> None:
    assert choose(tmp_path, NATIVE) == NATIVE
    assert choose(tmp_path, DOCKER) == DOCKER
    engine.append("it is away")
    with pytest.raises(WrongKindError, match="it is away"):
        choose(tmp_path, DOCKER)


def test_folder_with_data_stays_what_it_is(tmp_path: Path, engine: list[str | None]) -> None:
    assert engine
    _filled(tmp_path, stack=DOCKER, search_index="opensearch")
    assert choose(tmp_path, AUTO) == DOCKER
    with pytest.raises(WrongKindError, match="is docker"):
        choose(tmp_path, NATIVE)


def test_folder_from_before_the_choice_is_native(tmp_path: Path, engine: list[str | None]) -> None:
    assert engine
    _filled(tmp_path, settings="{}")
    assert choose(tmp_path, AUTO) == NATIVE
