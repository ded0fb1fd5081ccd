"""Which inbound messages are the same, whatever workers get them: carriers bring again what was not answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from services.delivery.heard import KeptHeard
from services.delivery.store import Store
from shared.postgres.pool import Database
from tests.integration.delivery_rig import delivery_rig


class _World:
    """Workers by the links that they have, and a clock that the test sets."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.heard = KeptHeard(database)

    async def comes(self, link: str = "first", said: str = "yes", carrier: str = "one") -> str:
        return await self.heard.id_of(carrier, said, link)

    async def answered(self, inbound_id: str, *, kept: bool = True) -> None:
        await self.heard.answered("one", "yes", inbound_id, 0, kept=kept)

    async def later(self, seconds: float) -> None:
        """Let so much time pass."""
        await self.database.fetch(
            "update delivery_heard set came_at = came_at - $1::bigint, answered_at = answered_at - $1,"
            " ended_at = ended_at - $1",
            round(1000 * seconds), timeout=5,
        )  # fmt: skip


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with delivery_rig(servers) as rig:
        yield rig.rig.database


@pytest.fixture
async def world(database: Database) -> _World:
    await database.fetch("delete from delivery_heard", timeout=5)
    return _World(database)


@pytest.mark.parametrize("link", ["first", "second"])
@pytest.mark.parametrize("seconds", [1, 59, 61])
async def test_who_says_the_same_twice_has_two_messages(world: _World, link: str, seconds: float) -> None:
    first = await world.comes()
    await world.answered(first)
    await world.later(seconds)
    assert await world.comes(link) != first
    assert await world.comes(link, "no") != first
    assert await world.comes(link, carrier="two") != first


@pytest.mark.parametrize("seconds", [0, 1, 59, 61, 300])
async def test_what_was_not_answered_is_the_same_by_any_other_link(world: _World, seconds: float) -> None:
    first = await world.comes()
    await world.later(seconds)
    assert await world.comes("second") == first
    # Its answer was lost too.
    await world.later(seconds)
    assert await world.comes("third") == first


async def test_over_one_link_two_in_one_moment_are_two(world: _World) -> None:
    first = await world.comes()
    await world.later(0.1)
    second = await world.comes()
    assert second != first
    # The first one's answer is not that of the second.
    await world.answered(first)
    assert await world.comes("second") == second


async def test_what_waits_long_for_its_answer_is_the_same(world: _World) -> None:
    first = await world.comes()
    await world.later(6)
    assert await world.comes() == first


async def test_what_was_answered_late_is_the_same(world: _World) -> None:
    first = await world.comes()
    await world.later(6)
    await world.answered(first)
    assert await world.comes() == first


@pytest.mark.parametrize("link", ["first", "second"])
async def test_what_was_refused_is_the_same(world: _World, link: str) -> None:
    first = await world.comes()
    await world.answered(first, kept=False)
    await world.later(1)
    assert await world.comes(link) == first
    await world.answered(first)
    assert await world.comes(link) != first


@pytest.mark.parametrize(
    ("after", "again", "same"),
    [(1, 50, True), (14, 50, True), (16, 50, False), (1, 70, False), (14, 550, False)],
)
async def test_an_answer_may_be_lost_with_its_link(world: _World, after: float, again: float, *, same: bool) -> None:
    first = await world.comes()
    await world.answered(first)
    await world.later(after)
    await world.heard.ended("other")
    await world.heard.ended("first")
    await world.later(again)
    assert (await world.comes("second") == first) is same


async def test_what_comes_much_later_is_another_and_is_forgotten(world: _World) -> None:
    first = await world.comes()
    await world.later(601)
    assert await world.comes("second") != first
    await world.comes(said="old")
    await world.later(601)
    await world.comes(said="new")
    assert await Store(world.database).forget_heard(600_000, 100) == 2
    assert await Store(world.database).forget_heard(600_000, 100) == 0


async def test_workers_that_get_it_at_once_agree(world: _World) -> None:
    ids = await asyncio.gather(*(world.comes(f"link-{nth}") for nth in range(20)))
    assert len({*ids}) == 1


async def test_the_end_of_another_link_loses_no_answer(world: _World) -> None:
    first = await world.comes()
    await world.answered(first)
    await world.heard.ended("other")
    assert await world.comes("second") != first
