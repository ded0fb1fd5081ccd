"""The demo of compose.yaml, which a container runs: what was made is not made again, what broke off is."""

import json
import os
import subprocess
import sys

from tests.integration.terminal import ROOT, Terminal


def ran(terminal: Terminal) -> str:
    """Run it by itself, as the container does; return its output."""
    file = ROOT / "deploy" / "docker" / "demo.py"
    environment = {**os.environ, **terminal.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, file], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


async def test_the_demo_is_made_once(terminal: Terminal) -> None:
    made = json.loads(ran(terminal))
    assert [each["msisdn"] for each in made["accounts"]] == ["436990000801", "436990000802"]
    assert all(each["password"] and each["auth_token"] for each in made["accounts"])
    assert "made before" in ran(terminal)
    assert len(terminal.rows("keys", "list")) == 1


async def test_a_key_without_accounts_is_of_a_demo_that_broke_off(terminal: Terminal) -> None:
    terminal.row("keys", "create", "compose demo")
    assert len(json.loads(ran(terminal))["accounts"]) == 2
