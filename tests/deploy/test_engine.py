"""Why no stack can run in containers is told in a line."""

import subprocess
from collections.abc import Callable

import pytest

from deploy.docker.engine import engine_problem


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what sets the version of Compose, and what the engine complains of."""

    def answer(version: str, complaint: str) -> None:
        def run(argv: tuple[str, ...], **_options: object) -> subprocess.CompletedProcess[str]:
            if argv[1] == "compose":
                return subprocess.CompletedProcess(argv, 0, f"{version}\n", "")
            return subprocess.CompletedProcess(argv, 1 if complaint else 0, "", complaint)

        monkeypatch.setattr(subprocess, "run", run)

    return answer


@pytest.mark.parametrize("version", ["2.24.0", "v2.24.1-desktop.1", "2.40", "5.0.1"])
def test_new_compose_and_an_engine_that_answers_will_do(docker: Callable[[str, str], None], version: str) -> None:
    docker(version, "")
    assert engine_problem() is None


@pytest.mark.parametrize("version", ["2.23.3", "v1.29.2", ""])
def test_old_compose_is_told(docker: Callable[[str, str], None], version: str) -> None:
    docker(version, "")
    assert "2.24 or newer" in (engine_problem() or "")


def test_missing_rights_are_told_in_a_line(docker: Callable[[str, str], None]) -> None:
    docker("2.40.0", "permission denied while trying to connect\nto the Docker daemon socket\n")
    assert engine_problem() == "permission denied while trying to connect to the Docker daemon socket"
