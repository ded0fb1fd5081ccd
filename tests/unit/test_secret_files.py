"""A secret's file is whole or not there, whenever the making of it breaks off."""

from pathlib import Path
from unittest.mock import patch

import pytest

from deploy.docker import secret_files


@pytest.mark.parametrize("method", ["write_text", "chmod", "replace"])
def test_what_broke_off_is_made_again(tmp_path: Path, method: str) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    called = getattr(Path, method)

    def breaks_off(path: Path, *arguments: object, **options: object) -> object:
        if path.name.startswith("grafana_password"):
            path.touch()
            raise KeyboardInterrupt
        return called(path, *arguments, **options)

    with patch.object(Path, method, breaks_off), pytest.raises(KeyboardInterrupt):
        secret_files.make(folder)
    assert secret_files.make(folder)
    assert len((folder / "grafana_password").read_text(encoding="utf-8").strip()) == 32
    assert not [*folder.glob("*.new")]
