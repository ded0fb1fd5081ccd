"""A stack of containers whose gateways are stopped: nobody sees its workers, and the demo stays where it was."""

import json
from pathlib import Path
from typing import Any

from deploy.docker.compose import Compose
from deploy.docker.gateways import addresses, see_workers
from deploy.local import demo


class Stopped(Compose):
    """A stack without a container."""

    def containers(self, service: str) -> list[dict[str, Any]]:  # noqa: ARG002 - of none
        return []


def test_no_gateway_sees_no_workers(tmp_path: Path) -> None:
    assert not see_workers(Stopped(tmp_path, {}))


def test_the_demo_stays_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    file.write_text(json.dumps({"base_url": "http://127.0.0.1:8080", "base_urls": ["http://127.0.0.1:8080"]}))
    before = file.read_text()
    demo.set_addresses(tmp_path, addresses(Stopped(tmp_path, {})))
    assert file.read_text() == before
    demo.set_addresses(tmp_path, ["http://127.0.0.1:8081"])
    assert json.loads(file.read_text())["base_url"] == "http://127.0.0.1:8081"
