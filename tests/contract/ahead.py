"""Cases that mostly wait: some of them run at a time, ahead of the tests that ask how each one ended."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.contract.case_formats import Tree
from tests.contract.runner import Runner

_AT_ONCE = 6
Key = tuple[str, str]


class Ahead:
    """Runs that were begun, by the label and the format of their case."""

    def __init__(self, runs: dict[Key, asyncio.Task[None]]) -> None:
        self._runs = runs

    async def ended(self, case: Tree, form: str) -> None:
        """Wait for the end of a run; raise what it raised."""
        await self._runs[case["label"], form]


@asynccontextmanager
async def ahead(runners: Iterable[tuple[Runner, Tree, str]]) -> AsyncIterator[Ahead]:
    """Begin to run all of them; those that nobody waited for are cancelled."""
    gate = asyncio.Semaphore(_AT_ONCE)
    runs = {(case["label"], form): asyncio.create_task(_run(gate, runner, case)) for runner, case, form in runners}
    try:
        yield Ahead(runs)
    finally:
        for run in runs.values():
            run.cancel()
        await asyncio.gather(*runs.values(), return_exceptions=True)


def asked_for(request: pytest.FixtureRequest, test: str) -> list[tuple[Tree, str]]:
    """Return the case and the format of each test of that name in this run, in order."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.originalname == test]
    parameters: list[dict[str, Any]] = [item.callspec.params for item in items]
    return [(each["case"], each["form"]) for each in parameters]


async def _run(gate: asyncio.Semaphore, runner: Runner, case: Tree) -> None:
    async with gate:
        await runner.run(case)
