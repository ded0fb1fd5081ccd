"""Carriers for tests: the simulator, and the same with npm's codec, each a process of its own."""

import asyncio
import dataclasses
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from deploy.local.smsc.faults import FAULTS, fault_of
from deploy.local.smsc.front import Front
from tests.smsc.node import node_script

PEERS = ("smpp34", "npm")
_SECONDS = 15.0
_LINE_OCTETS = 1 << 20

Event = dict[str, Any]


class Peer:
    """A running carrier: what it said so far, and the port where it listens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[Event] = []
        self.port = 0

    def of(self, what: str, to: str | None = None) -> list[Event]:
        """Return what it said of one kind, of one recipient where that is named."""
        return [each for each in self.events if each["what"] == what and (to is None or each.get("to") == to)]

    async def says(self, what: str, to: str | None = None, count: int = 1) -> list[Event]:
        """Wait until it said something so many times."""
        await until(lambda: len(self.of(what, to)) >= count, f"no {what} of {to}, but {self.events[-5:]}")
        return self.of(what, to)

    def freeze(self) -> None:
        """Let it stand still: its connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    async def listen(self) -> None:
        """Take down what it says, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.events.append(json.loads(line))

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def until(condition: Callable[[], bool], otherwise: str = "it did not happen", seconds: float = _SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.01)


@asynccontextmanager
async def peer(kind: str) -> AsyncIterator[Peer]:
    """Run a carrier of a kind."""
    if kind == "smpp34":
        async with _running([sys.executable, "-m", "deploy.local.smsc", "--json", "--port", "0"]) as found:
            yield found
        return
    command = await asyncio.to_thread(node_script)
    async with _running([*command, json.dumps(_table())]) as found, Front(found.port).serving("127.0.0.1", 0) as port:
        found.port = port
        yield found


@asynccontextmanager
async def _running(command: Sequence[str]) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=_LINE_OCTETS)
    found = Peer(process)
    listening = asyncio.create_task(found.listen())
    try:
        (event,) = await found.says("listening")
        found.port = event["port"]
        yield found
    finally:
        await found.end()
        await listening


def _table() -> dict[str, Any]:
    return {
        "usual": dataclasses.asdict(fault_of("")),
        "by_ending": {ending: dataclasses.asdict(fault) for ending, fault in FAULTS.items()},
    }
