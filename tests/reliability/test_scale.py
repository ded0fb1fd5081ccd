"""Roles are scaled and restarted under load, as a person does it, and no call fails."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.local.roles import ROOT
from deploy.local.servers import Servers
from deploy.local.state import State
from deploy.local.supervisor import Supervisor
from tests.reliability.client import Client, Outcome
from tests.reliability.ledger import Ledger
from tests.reliability.settings import BACK_SECONDS, SEED
from tests.running import Account

TESTS, ACCOUNTS, RATE = 4, 20, 100.0
UP = ("up", "--accounts", str(TESTS * ACCOUNTS), "--limits", "off")


class Local:
    """A stack of its own, changed by the command line that `make` calls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = 0

    def __call__(self, *arguments: str) -> str:
        command = (sys.executable, "-m", "deploy.local", "--run", str(self._folder), *arguments)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pids(self) -> dict[str, int]:
        return Supervisor(self._folder, State(self._folder / "state.json")).pids()

    @property
    def demo(self) -> dict[str, Any]:
        return dict(json.loads((self._folder / "demo.json").read_text()))

    def fresh_accounts(self) -> list[Account]:
        """Take demo accounts that no other test has written to."""
        people = self.demo["accounts"][self._taken :][:ACCOUNTS]
        self._taken += ACCOUNTS
        return [Account(account_id=0, **person) for person in people]


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    """Yield a stack with two of the messages role, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="usermessage-scale-"))
    folder.chmod(0o755)
    local = Local(folder)
    try:
        local("scale", "messages", "2")
        local(*UP)
        yield local
    finally:
        local("down")
        Servers(folder).remove()
        shutil.rmtree(folder)


@asynccontextmanager
async def writing(local: Local) -> AsyncIterator[None]:
    """Write meanwhile, and in the end hold that no call failed and all is stored once."""
    demo = local.demo
    async with Client(demo["base_url"], demo["api_key"]) as client:
        ledger = Ledger(client, local.fresh_accounts(), rate=RATE, seed=SEED)
        async with ledger.writing():
            await ledger.back(BACK_SECONDS)
            yield
            await ledger.back(BACK_SECONDS)
        print({outcome.value: ledger.outcomes[outcome] for outcome in Outcome})
        assert ledger.outcomes.keys() == {Outcome.DONE}
        assert await ledger.disagreements() == []


def test_a_command_of_usermessage_is_run_for_the_stack(local: Local) -> None:
    found = [json.loads(line) for line in local("cli", "accounts", "list", "--json").splitlines()]
    assert {str(each["msisdn"]) for each in found} == {str(each["msisdn"]) for each in local.demo["accounts"]}


async def test_workers_come_and_go_without_a_failed_call(local: Local) -> None:
    before = local.pids()
    async with writing(local):
        await asyncio.to_thread(local, "scale", "messages", "3")
        assert local.pids().keys() == {*before, "messages-3"}
        await asyncio.to_thread(local, "scale", "messages", "2")
    assert local.pids() == before


async def test_gateways_come_and_go_without_a_failed_call(local: Local) -> None:
    before, first = local.pids(), local.demo["base_url"]
    somebody = Account(account_id=0, **local.demo["accounts"][0])
    async with writing(local):
        await asyncio.to_thread(local, "scale", "gateway", "3")
        demo = local.demo
        assert len({first, *demo["base_urls"]}) == len(demo["base_urls"]) == 3
        for url in demo["base_urls"]:
            async with Client(url, demo["api_key"]) as client:
                answer = await client.call(somebody, "/user/message/conversations/get")
                assert answer["errorCode"] == 0
        await asyncio.to_thread(local, "scale", "gateway", "1")
        assert local.demo["base_urls"] == [first]
    assert local.pids() == before


async def test_one_of_two_goes_on_while_the_other_restarts(local: Local) -> None:
    before = local.pids()
    async with writing(local):
        await asyncio.to_thread(local, "restart", "messages")
    after = local.pids()
    assert {name for name, pid in after.items() if pid != before[name]} == {"messages", "messages-2"}


async def test_another_up_keeps_the_scale_and_disturbs_nobody(local: Local) -> None:
    before = local.pids()
    async with writing(local):
        await asyncio.to_thread(local, *UP)
    assert local.pids() == before
    assert all(name in local("ps") for name in before)
