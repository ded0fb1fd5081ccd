"""The private OpenSearch keeps what it acknowledged, stays where it is, and lets neighbours be."""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from deploy.local.opensearch import PORTS, OpenSearch
from deploy.local.state import State
from tests.servers import PreparedServer


def call(server: PreparedServer, method: str, path: str, body: object = None, seconds: float = 30) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return dict(json.loads(answer.read()))


@pytest.fixture
def index(opensearch: PreparedServer) -> Iterator[str]:
    call(opensearch, "PUT", "kept", {"settings": {"number_of_replicas": 0}})
    yield "kept"
    call(opensearch, "DELETE", "kept")


@pytest.fixture
def native(opensearch: PreparedServer) -> None:
    if not isinstance(opensearch, OpenSearch):
        pytest.skip("OpenSearch is a container here")


def count(server: PreparedServer, index: str) -> int:
    call(server, "POST", f"{index}/_refresh")
    return int(call(server, "GET", f"{index}/_count")["count"])


def write(server: PreparedServer, index: str, documents: int) -> None:
    for number in range(documents):
        call(server, "PUT", f"{index}/_doc/{number}", {"text": "word"})


def test_what_was_acknowledged_survives_a_kill(opensearch: PreparedServer, index: str) -> None:
    before = opensearch.url
    write(opensearch, index, 20)
    opensearch.kill()
    assert not opensearch.ready()
    opensearch.start()
    assert count(opensearch, index) == 20
    assert opensearch.url == before


def test_an_orderly_restart_keeps_data_and_address(opensearch: PreparedServer, index: str) -> None:
    before = opensearch.url
    write(opensearch, index, 5)
    opensearch.restart()
    assert (count(opensearch, index), opensearch.url) == (5, before)


def test_it_stands_still_and_goes_on(opensearch: PreparedServer, index: str) -> None:
    opensearch.freeze()
    try:
        assert not opensearch.ready()
        with ThreadPoolExecutor(1) as caller:
            counting = caller.submit(count, opensearch, index)
            time.sleep(1)
            assert not counting.done()
            opensearch.thaw()
            assert counting.result(30) == 0
    finally:
        opensearch.thaw()
    opensearch.wait_ready()


def test_a_kill_ends_one_that_stands_still(opensearch: PreparedServer) -> None:
    opensearch.freeze()
    opensearch.kill()
    opensearch.start()
    assert opensearch.ready()


def test_no_index_comes_by_a_write(opensearch: PreparedServer) -> None:
    with pytest.raises(URLError, match="404"):
        call(opensearch, "PUT", "nowhere/_doc/1", {"text": "word"})


@pytest.mark.usefixtures("native")
def test_two_run_side_by_side(opensearch: PreparedServer, index: str, tmp_path: Path) -> None:
    neighbour = OpenSearch(tmp_path / "neighbour")
    neighbour.prepare()
    try:
        neighbour.start()
        assert neighbour.port in PORTS
        assert neighbour.port != opensearch.port
        with pytest.raises(URLError, match="404"):
            count(neighbour, index)
    finally:
        neighbour.kill()
        neighbour.remove()
    assert count(opensearch, index) == 0


@pytest.mark.usefixtures("native")
def test_one_on_the_port_of_another_is_not_ready(opensearch: PreparedServer, tmp_path: Path) -> None:
    State(tmp_path / "state.json").put("port", str(opensearch.port))
    assert opensearch.ready()
    assert not OpenSearch(tmp_path).ready()


@pytest.mark.usefixtures("native")
def test_a_crash_at_the_start_shows_its_log(tmp_path: Path) -> None:
    broken = OpenSearch(tmp_path / "broken")
    broken.prepare()
    try:
        (tmp_path / "broken/conf/opensearch.yml").write_text("no.such.setting: 1\n")
        with pytest.raises(RuntimeError, match=r"ended before it was ready:\n[\s\S]*Closed all nodes"):
            broken.start()
    finally:
        broken.kill()
        broken.remove()
