"""The version that the code states is the package's."""

import tomllib
from pathlib import Path

from shared.version import VERSION


def test_version_is_that_of_the_package() -> None:
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == VERSION
