"""Named queries."""

from pathlib import Path

import pytest

from shared.postgres.queries import load_queries


def test_a_query_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "find_it.sql").write_text("select 1\n")
    (tmp_path / "README.txt").write_text("no query")
    assert dict(load_queries(tmp_path)) == {"find_it": "select 1\n"}


def test_a_folder_without_queries_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_queries(tmp_path)
