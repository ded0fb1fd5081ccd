"""A package that is installed for the stack leaves no service behind that starts by itself."""

import os
from pathlib import Path

import pytest

from deploy.local.system_services import SystemServices


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a system with one service, whose tools write down what they were told."""
    for folder in ("usr/sbin", "etc/systemd/system/multi-user.target.wants", "etc/rc3.d", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    for tool in ("systemctl", "update-rc.d"):
        script = tmp_path / "bin" / tool
        script.write_text(f'#!/bin/sh\necho {tool} "$@" >>{tmp_path}/told\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    enable(tmp_path, "old")
    return tmp_path


def enable(root: Path, name: str) -> None:
    (root / f"etc/systemd/system/multi-user.target.wants/{name}.service").symlink_to("/nowhere")
    (root / f"etc/rc3.d/S01{name}").symlink_to("/nowhere")


def told(root: Path) -> list[str]:
    path = root / "told"
    return path.read_text().splitlines() if path.exists() else []


def test_only_what_was_named_and_came_meanwhile_is_disabled(root: Path) -> None:
    with SystemServices(root).left_off(["fresh-server", "old"]):
        enable(root, "fresh-server")
        enable(root, "not-ours")
    assert told(root) == ["systemctl disable --quiet fresh-server.service", "update-rc.d fresh-server disable"]


def test_nothing_new_is_nothing_to_do(root: Path) -> None:
    with SystemServices(root).left_off(["fresh-server", "old"]):
        pass
    assert told(root) == []


def test_nothing_is_started_meanwhile(root: Path) -> None:
    policy = root / "usr/sbin/policy-rc.d"
    with SystemServices(root).left_off(["fresh-server", "old"]):
        assert policy.read_text() == "#!/bin/sh\nexit 101\n"
        assert os.access(policy, os.X_OK)
    assert not policy.exists()


def test_a_policy_that_stands_is_kept(root: Path) -> None:
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("theirs")
    with SystemServices(root).left_off(["fresh-server", "old"]):
        assert policy.read_text() == "theirs"
    assert policy.read_text() == "theirs"


def test_a_failure_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "bin/systemctl").write_text("#!/bin/sh\necho no; exit 1\n")
    with SystemServices(root).left_off(["fresh-server", "old"]):
        enable(root, "fresh-server")
    assert "systemctl disable --quiet fresh-server.service\nno" in capsys.readouterr().out
    assert told(root) == ["update-rc.d fresh-server disable"]
