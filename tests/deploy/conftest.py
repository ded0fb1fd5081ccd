"""What tests of the containers share: a stack on the engine that answers here; without one they are skipped."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.docker.engine import engine_problem
from tests.deploy.contained import Contained


@pytest.fixture(scope="session")
def engine() -> None:
    """Skip the tests that need an engine where none answers."""
    problem = engine_problem()
    if problem:
        pytest.skip(f"no Docker engine with Docker Compose answers: {problem}")


@pytest.fixture(scope="session")
def contained(engine: None) -> Iterator[Contained]:  # noqa: ARG001 - skips first
    """Yield the service in containers, from an empty state; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="usermessage-compose-"))
    contained = Contained(folder)
    try:
        contained.up()
        contained.make_key()
        yield contained
    finally:
        contained.remove()
        shutil.rmtree(folder)
