"""The choice of what a local stack searches with, its port, its Java and its jars, without a server."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local import java, opensearch_jars
from deploy.local.java import Java, find_java
from deploy.local.opensearch import OpenSearch
from deploy.local.opensearch_jars import jars_for, runner_version
from deploy.local.packages import MissingProgramError
from deploy.local.ports import reserve
from deploy.local.search import Search
from deploy.local.state import State

PORTS = range(9301, 9306)


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def says(version: str) -> str:
    return f"echo 'openjdk version \"{version}\" 2026-04-21' >&2"


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(tmp_path, State(tmp_path / "state.json"))


def test_postgres_searches_where_opensearch_cannot_be_had(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(OpenSearch, "prepare", _missing)
    search.choose("opensearch", said.append)
    assert search.environment == {"SEARCH_BACKEND": "postgres"}
    assert search.commands == []
    assert said[-1] == "no OpenSearch, so Postgres searches: java is missing"


def test_postgres_by_choice_looks_for_nothing(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(OpenSearch, "prepare", _missing)
    search.choose("postgres", said.append)
    assert (search.environment, said) == ({"SEARCH_BACKEND": "postgres"}, [])


def test_the_choice_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    State(tmp_path / "opensearch/state.json").put("port", "9250")
    monkeypatch.setattr(OpenSearch, "prepare", lambda _: None)
    Search(tmp_path, State(tmp_path / "state.json")).choose("opensearch", print)
    later = Search(tmp_path, State(tmp_path / "state.json"))
    assert later.environment == {"SEARCH_BACKEND": "opensearch", "OPENSEARCH_URL": "http://127.0.0.1:9250"}


def test_another_index_is_not_current(search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenSearch, "prepare", lambda _: None)
    versions = iter(("2.9.0.0", "2.9.0.0", "3.8.0.0", "3.8.0.0"))
    monkeypatch.setattr(OpenSearch, "version", property(lambda _: next(versions)))
    search.choose("postgres", print)
    assert not search.index_is_current
    search.remember_index()
    assert Search(tmp_path, State(tmp_path / "state.json")).index_is_current
    search.choose("opensearch", print)
    assert not search.index_is_current
    search.remember_index()
    assert not search.index_is_current
    search.choose("postgres", print)
    assert not search.index_is_current


def test_a_reserved_port_is_nobody_elses_until_it_is_released() -> None:
    held = [reserve(PORTS) for _ in PORTS]
    assert {one.port for one in held} == {*PORTS}
    with pytest.raises(OSError, match="no port from 9301 to 9305 is free"):
        reserve(PORTS)
    held[2].release()
    held[2] = reserve(PORTS, preferred=held[0].port)
    assert {one.port for one in held} == {*PORTS}
    for one in held:
        one.release()


def test_a_port_that_is_free_is_kept() -> None:
    reservation = reserve(PORTS, preferred=9304)
    reservation.release()
    assert reservation.port == 9304


@pytest.mark.parametrize(("version", "runner"), [(17, "2.9.0.0"), (20, "2.9.0.0"), (21, "3.8.0.0"), (25, "3.8.0.0")])
def test_the_runner_depends_on_java(version: int, runner: str) -> None:
    assert runner_version(Java(version, Path("/java"))) == runner


def test_the_newest_java_that_runs_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [
        program(tmp_path / "8/bin/java", says("1.8.0_402")),
        program(tmp_path / "17/bin/java", says("17.0.15")),
        program(tmp_path / "21/bin/java", says("21")),
        program(tmp_path / "99/bin/java", f"{says('99')}; exit 1"),
        tmp_path / "nowhere/bin/java",
    ]
    monkeypatch.setattr(java, "_candidates", lambda: iter(programs))
    assert find_java() == Java(21, tmp_path / "21/bin/java")
    monkeypatch.setattr(java, "_candidates", lambda: iter(programs[:1]))
    assert find_java() is None


def test_java_home_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin/java", says("1000"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == Java(1000, tmp_path / "bin/java")


def test_jars_are_fetched_once_and_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch_jars, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    into = 'for word in "$@"; do case $word in -DoutputDirectory=*) into=${word#*=};; esac; done; mkdir "$into"'
    program(
        tmp_path / "mvn",
        f"{into}; touch $into/half.jar; echo 'WARNING: old'; echo '[ERROR] no network'; echo '[ERROR] Help'; exit 1",
    )
    with pytest.raises(MissingProgramError, match=r"fetch OpenSearch: \[ERROR\] no network$"):
        jars_for(Java(21, Path("/java")))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["opensearch-3.8.0.0.lock"]
    program(tmp_path / "mvn", f"{into}; touch $into/whole.jar")
    assert [path.name for path in jars_for(Java(21, Path("/java"))).iterdir()] == ["whole.jar"]
    program(tmp_path / "mvn", "exit 1")
    assert [path.name for path in jars_for(Java(21, Path("/java"))).iterdir()] == ["whole.jar"]


def test_two_at_once_fetch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch_jars, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(
        tmp_path / "mvn",
        f'echo fetched >>{tmp_path}/calls; sleep 0.3; for word in "$@"; do :; done; mkdir "${{word#*=}}"',
    )
    with ThreadPoolExecutor(2) as both:
        folders = [*both.map(jars_for, [Java(21, Path("/java"))] * 2)]
    assert folders == [tmp_path / "cache/opensearch-3.8.0.0"] * 2
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "fetched\n"


def _missing(_: OpenSearch) -> None:
    raise MissingProgramError("java is missing")
