"""Running: the commands of one envelope, in groups where their operation allows it, each answered when it is done."""

import asyncio
import dataclasses
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import Any, NamedTuple

import orjson

from shared import failpoints
from shared.bus.envelope import PARKED, Command, Reply
from shared.bus.routes import Context, Group, Key, Route, Single
from shared.bus.turns import Turns
from shared.contract.faults import Away, Fault, Refused
from shared.contract.reading import read_json
from shared.contract.scalars import Unreadable
from shared.contract.writing import reply_tree
from shared.metrics import commands as metrics

logger = logging.getLogger(__name__)


Answer = Callable[[Reply], None]


class _Ready(NamedTuple):
    """A command that is read and may run."""

    id: int
    request: Any
    context: Context
    received: float


class Runner:
    """Runs commands; those that must wait go on in tasks that it adds to `waiting`.

    Before each turn `room` is awaited: replies that are not written yet must not fill the memory.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        waiting: set[asyncio.Task[object]],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self._routes = routes
        self._waiting = waiting
        self._room = room
        self._waiting_reads = {name: asyncio.Semaphore(route.most_waiting) for name, route in routes.items()}
        # For each queue of its own: slow commands, such as logins, hold up only their queue.
        self._turns = {queue: Turns(queue) for queue in {route.operation.queue for route in routes.values()}}

    async def run(self, commands: Sequence[Command], received: float, answer: Answer) -> None:
        """Run the commands of one envelope that came at `received`, and give each reply to `answer`.

        Returns when all are answered but those whose handler said that they have to wait.
        """
        work: list[Awaitable[None]] = []
        for name, ready in self._sorted(commands, received, answer).items():
            route = self._routes[name]
            turns = self._turns[route.operation.queue]
            if route.single is not None:
                work += [self._run_single(route.single, turns, each, answer) for each in ready]
            if route.group is not None:
                work += [self._run_group(route.group, turns, each, answer) for each in _groups(route, ready)]
        if len(work) == 1:
            await work[0]
        else:
            await asyncio.gather(*work)

    def _sorted(self, commands: Iterable[Command], received: float, answer: Answer) -> dict[str, list[_Ready]]:
        by_operation: dict[str, list[_Ready]] = {}
        for command in commands:
            ready = self._ready(command, received)
            if ready is None:
                answer(Reply(command.id, Fault.UNAVAILABLE, b""))
            else:
                by_operation.setdefault(command.operation, []).append(ready)
        return by_operation

    def _ready(self, command: Command, received: float) -> _Ready | None:
        route = self._routes.get(command.operation)
        deadline = received + command.budget_ms / 1000
        if route is None or time.monotonic() >= deadline:
            return None
        try:
            request = read_json(route.operation.request, command.request)
        except Unreadable:
            logger.exception("command not readable", extra={"operation": command.operation, "trace": command.trace})
            return None
        context = Context(command.identity, command.operation, deadline, command.trace, _key(command.key, request))
        return _Ready(command.id, request, context, received)

    async def _run_single(self, handler: Single, turns: Turns, command: _Ready, answer: Answer) -> None:
        async with turns.turn(1, command.received):
            await self._room()
            if _timely([command], answer):
                await self._settle(command, handler(command.request, command.context), answer)

    async def _run_group(self, handler: Group, turns: Turns, commands: Sequence[_Ready], answer: Answer) -> None:
        async with turns.turn(len(commands), commands[0].received):
            metrics.group_ran(commands[0].context.operation, len(commands))
            await self._room()
            timely = _timely(commands, answer)
            if timely:
                await self._run_turn(handler, timely, answer)

    async def _run_turn(self, handler: Group, commands: Sequence[_Ready], answer: Answer) -> None:
        try:
            outcomes = await handler([(each.request, each.context) for each in commands])
        except Refused as refused:
            _log_away(commands[0], refused)
            outcomes = [refused.fault] * len(commands)
        except Exception as error:  # noqa: BLE001 - whatever it was, only the command that caused it may suffer
            await self._isolate(handler, commands, answer, error)
            return
        await failpoints.reached("server.ran")
        for command, outcome in zip(commands, outcomes, strict=True):
            if isawaitable(outcome):
                self._wait(command, outcome, answer)
            else:
                _answer(command, _reply(command, outcome), answer)

    async def _isolate(self, handler: Group, commands: Sequence[_Ready], answer: Answer, error: Exception) -> None:
        if len(commands) == 1:
            _log_failure(commands[0], error)
            _answer(commands[0], Reply(commands[0].id, Fault.UNAVAILABLE, b""), answer)
            return
        for command in commands:
            await self._run_turn(handler, [command], answer)

    def _wait(self, command: _Ready, outcome: Awaitable[Any], answer: Answer) -> None:
        answer(Reply(command.id, PARKED, b""))
        task = asyncio.create_task(self._parked(command, outcome, answer))
        for tasks in (self._waiting, self._turns[self._routes[command.context.operation].operation.queue].parked):
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _parked(self, command: _Ready, outcome: Awaitable[Any], answer: Answer) -> None:
        operation = command.context.operation
        if self._routes[operation].operation.writes:
            await self._settle(command, outcome, answer)
            return
        async with self._waiting_reads[operation]:
            await self._room()
            await self._settle(command, outcome, answer)

    async def _settle(self, command: _Ready, outcome: Awaitable[Any], answer: Answer) -> None:
        try:
            reply = _reply(command, await outcome)
        except Refused as refused:
            _log_away(command, refused)
            reply = Reply(command.id, refused.fault, b"")
        except Exception as error:  # noqa: BLE001 - anything unknown is 99, its detail is in the log
            _log_failure(command, error)
            reply = Reply(command.id, Fault.UNAVAILABLE, b"")
        await failpoints.reached("server.ran")
        _answer(command, reply, answer)


def _timely(commands: Sequence[_Ready], answer: Answer) -> list[_Ready]:
    """Return those whose budget is not spent, which it may be after a wait; the others are answered."""
    now = time.monotonic()
    for command in commands:
        if command.context.deadline <= now:
            _answer(command, Reply(command.id, Fault.UNAVAILABLE, b""), answer)
    return [command for command in commands if command.context.deadline > now]


def _key(key: str | None, request: Any) -> Key | None:
    if key is None:
        return None
    # Without what was left at its default: a later version may know further fields of the same request.
    fields = {each.name: getattr(request, each.name) for each in dataclasses.fields(request)}
    told = {each.name: fields[each.name] for each in dataclasses.fields(request) if fields[each.name] != each.default}
    return Key(key, hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).digest())


def _groups(route: Route, ready: Sequence[_Ready]) -> list[Sequence[_Ready]]:
    alone = [each for each in ready if route.alone is not None and route.alone(each.request)]
    together = [each for each in ready if each not in alone] if alone else ready
    size = route.operation.group
    return [[each] for each in alone] + [together[start : start + size] for start in range(0, len(together), size)]


def _answer(command: _Ready, reply: Reply, answer: Answer) -> None:
    metrics.command_done(command.context.operation, reply.code, time.monotonic() - command.received)
    answer(reply)


def _reply(command: _Ready, outcome: Any) -> Reply:
    if isinstance(outcome, Fault):
        return Reply(command.id, outcome, b"")
    tree = {"errorCode": 0, **outcome} if isinstance(outcome, Mapping) else reply_tree(outcome)
    return Reply(command.id, 0, orjson.dumps(tree))


def _log_away(command: _Ready, refused: Refused) -> None:
    if isinstance(refused, Away):
        fields = {"operation": command.context.operation, "trace": command.context.trace, "reason": refused.reason}
        logger.warning("dependency away", extra=fields)


def _log_failure(command: _Ready, error: Exception) -> None:
    fields = {"operation": command.context.operation, "trace": command.context.trace}
    logger.error("command failed", extra=fields, exc_info=error)
