"""Commands are counted where they wait, run and are parked, and by the groups that they ran in."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import REGISTRY

from shared.bus.envelope import PARKED, Command, Reply
from shared.bus.routes import Context, Outcome, route_group
from shared.bus.running import Runner
from shared.contract import messages
from shared.contract.messages import UserMessageDeleteRequest
from shared.contract.operation import NOBODY

TURNS = 8
GROUP = messages.DELETE.group
OPERATION = messages.DELETE.name


def of_queue(name: str) -> float:
    return REGISTRY.get_sample_value(f"usermessage_{name}", {"queue": messages.QUEUE}) or 0.0


def of_operation(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"usermessage_{name}", {"operation": OPERATION, **labels}) or 0.0


class Rig:
    """Runs commands whose handler waits for `go`, or parks each until then."""

    def __init__(self, *, parks: bool = False) -> None:
        self.go = asyncio.Event()
        self.replies: list[Reply] = []
        self._parks = parks
        self._tasks: set[asyncio.Task[object]] = set()
        self._runner = Runner({OPERATION: route_group(messages.DELETE, self._handle)}, self._tasks, self._room)

    async def run(self, count: int) -> None:
        commands = [Command(n, OPERATION, 5000, NOBODY, "t", {"messageId": 1}, None) for n in range(count)]
        await self._runner.run(commands, time.monotonic(), self.replies.append)
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _handle(self, requests: Sequence[tuple[UserMessageDeleteRequest, Context]]) -> Sequence[Outcome[Any]]:
        if self._parks:
            return [self._later() for _ in requests]
        await self.go.wait()
        return [{}] * len(requests)

    async def _later(self) -> dict[str, Any]:
        await self.go.wait()
        return {}

    async def _room(self) -> None:
        pass


async def test_groups_behind_the_turns_wait_and_the_others_run() -> None:
    rig = Rig()
    groups, sizes = of_operation("group_commands_count"), of_operation("group_commands_sum")
    done, seconds = of_operation("commands_total", code="0"), of_operation("command_seconds_sum")
    waited = of_queue("command_wait_seconds_sum")
    running = asyncio.create_task(rig.run((TURNS + 1) * GROUP))
    await asyncio.sleep(0.1)
    assert of_queue("commands_running") == TURNS * GROUP
    assert of_queue("commands_waiting") == GROUP
    rig.go.set()
    await running
    assert of_queue("commands_running") == of_queue("commands_waiting") == 0
    assert of_operation("group_commands_count") - groups == TURNS + 1
    assert of_operation("group_commands_sum") - sizes == (TURNS + 1) * GROUP
    assert of_operation("commands_total", code="0") - done == (TURNS + 1) * GROUP
    assert of_operation("command_seconds_sum") - seconds > 0.05 * TURNS * GROUP
    assert of_queue("command_wait_seconds_sum") - waited > 0.05


async def test_commands_that_wait_by_themselves_are_parked_and_nothing_else() -> None:
    rig = Rig(parks=True)
    running = asyncio.create_task(rig.run(GROUP))
    await asyncio.sleep(0.1)
    assert of_queue("commands_parked") == GROUP
    assert of_queue("commands_running") == of_queue("commands_waiting") == 0
    rig.go.set()
    await running
    assert of_queue("commands_parked") == 0
    assert [reply.code for reply in rig.replies] == [PARKED] * GROUP + [0] * GROUP
