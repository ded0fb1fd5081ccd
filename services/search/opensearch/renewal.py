"""A renewal: a generation that is filled beside the one that queries go to, and takes its place."""

# ruff: noqa: ASYNC109 - the time limit is given on

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from services.search.index import Document
from services.search.opensearch.bulk import IndexRefused
from services.search.opensearch.generations import Generations
from shared.contract.faults import Away

# A step may have to wait until OpenSearch has placed a shard.
STEP_SECONDS = 30.0
# Longer than any query takes that still goes to the generation before.
QUERIES_SECONDS = 10.0
# So many are no single texts any more: something is wrong with all of it.
_MOST_REFUSED = 100


class _WriteTo(Protocol):
    async def __call__(self, generation: str, changes: Sequence[Document], *, timeout: float) -> None: ...


@asynccontextmanager
async def new_generation(generations: Generations, write_to: _WriteTo) -> AsyncIterator["NewGeneration"]:
    """Give a new generation, and let it take over at the end of the block."""
    name = await generations.add(timeout=STEP_SECONDS)
    try:
        yield NewGeneration(name, write_to)
    except BaseException:
        # Where that fails too, it is as if this had been killed: the next rebuild does it.
        with suppress(Away):
            await generations.give_up(name, timeout=STEP_SECONDS)
        raise
    await generations.take_over(name, timeout=STEP_SECONDS)
    await asyncio.sleep(QUERIES_SECONDS)
    await generations.drop_others(name, timeout=STEP_SECONDS)


class NewGeneration:
    """Takes documents; every indexer writes to it as well, and the newer state of a message stays."""

    in_place = False

    def __init__(self, name: str, write_to: _WriteTo) -> None:
        self._name = name
        self._write_to = write_to
        self._refused = 0

    async def write(self, documents: Sequence[Document], *, timeout: float) -> int:
        """Take documents, and return how many can never be taken."""
        before = self._refused
        try:
            await self._write_to(self._name, documents, timeout=timeout)
        except IndexRefused:
            for document in documents:
                await self._write_alone(document, timeout)
        return self._refused - before

    async def _write_alone(self, document: Document, timeout: float) -> None:
        try:
            await self._write_to(self._name, [document], timeout=timeout)
        except IndexRefused:
            self._refused += 1
            if self._refused > _MOST_REFUSED:
                raise
