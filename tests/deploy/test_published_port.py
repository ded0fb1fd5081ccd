"""The port of a gateway is chosen when the images are there: they take minutes, in which others take ports."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.docker.compose import Compose
from deploy.docker.stack import DockerStack
from deploy.local.carriers import CONSOLE, carrier_settings
from deploy.local.commands import CommandError
from deploy.local.ports import free_port
from deploy.local.state import State


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Yield a port that is free until somebody builds images."""
    port = free_port()
    with closing(socket.socket()) as other:

        def call(_compose: Compose, *arguments: str) -> None:
            if "build" not in arguments:
                raise CommandError("the containers do not start here")
            other.bind(("127.0.0.1", port))
            other.listen()

        def none(_compose: Compose, _service: str) -> list[dict[str, Any]]:
            return []

        monkeypatch.setattr(Compose, "__call__", call)
        monkeypatch.setattr(Compose, "containers", none)
        yield port


def test_port_that_another_took_during_the_build_is_left_to_it(tmp_path: Path, taken: int) -> None:
    State(tmp_path / "state.json").put("port", str(taken))
    stack = DockerStack(tmp_path)
    with pytest.raises(CommandError):
        stack.up(2, "on", "opensearch", carrier_settings(CONSOLE, stack.state))
    assert State(tmp_path / "state.json").get("port") not in {None, str(taken)}
