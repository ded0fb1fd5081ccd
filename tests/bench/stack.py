"""The service as the bench runs it: a local stack with a run folder of its own, limits off."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.search import Search
from deploy.local.servers import Servers
from deploy.local.state import State
from deploy.local.supervisor import Supervisor
from tests.bench.carrier import BenchCarriers, bench_carriers
from tests.bench.paths import ROOT
from tests.bench.scenarios import ACCOUNTS


@dataclass(frozen=True, kw_only=True)
class Service:
    """The running service: its port, its secrets, its servers' settings, its processes by name, its carriers."""

    port: int
    api_key: str
    api_key_id: int
    tokens: Sequence[str]
    environment: Mapping[str, str]
    pids: Mapping[str, int]
    carriers_file: Path


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Bring the stack up, and take it down at the end; its data stays."""
    command = [sys.executable, "-m", "deploy.local", "--run", str(folder)]
    up = [*command, "up", "--accounts", str(ACCOUNTS), "--limits", "off", "--carriers"]
    # For the file of carriers, which the bench reads too.
    os.environ.setdefault("BENCH_HOOK_SECRET", secrets.token_hex(16))
    with bench_carriers(folder) as carriers:
        # Its last lines are for a person who wants to call it.
        subprocess.run([*up, carriers.file], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        try:
            yield _service(folder, carriers)
        finally:
            subprocess.run([*command, "down"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _service(folder: Path, carriers: BenchCarriers) -> Service:
    demo = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    state = State(folder / "state.json")
    return Service(
        port=int(demo["base_url"].rpartition(":")[2]),
        api_key=demo["api_key"],
        api_key_id=int(state.get("demo_key_id") or 0),
        tokens=[account["auth_token"] for account in demo["accounts"][:ACCOUNTS]],
        environment={**Servers(folder).environment, **Search(folder, state).environment},
        pids={**Supervisor(folder, state).pids(), **carriers.pids},
        carriers_file=carriers.file,
    )
