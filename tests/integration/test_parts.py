"""Inbound messages in parts: put together once, however their parts come."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt
from services.delivery.parts import MISSING, KeptParts, Passing
from shared.contract.faults import Away
from shared.postgres.pool import Database
from tests.integration.delivery_rig import NUMBER, delivery_rig

_OWN = "436990000005"
_LATE_MS = 300
# More than one worker takes at once.
_MANY = 130


class _Arrivals:
    """Keeps what is passed on, by its id as the real ones do; away when told."""

    def __init__(self) -> None:
        self.calls: list[Inbound] = []
        self.away = False
        self.breaks = False

    @property
    def texts(self) -> list[str]:
        return list({inbound.inbound_id: inbound.text for inbound in self.calls}.values())

    async def receipt(self, _: Receipt) -> None:
        raise AssertionError

    async def part(self, _: InboundPart) -> None:
        raise AssertionError

    async def inbound(self, inbound: Inbound) -> None:
        if self.away:
            raise Away("not now")
        if self.breaks:
            raise ValueError("a bug")
        self.calls.append(inbound)


class _Worker:
    """Keeps parts and passes them on, when asked."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.arrivals = _Arrivals()
        self.parts = KeptParts(database, _LATE_MS)
        self.passing = Passing(self.parts, self.arrivals)

    async def keep(self, *parts: InboundPart) -> list[bool]:
        return [await self.parts.keep(part) for part in parts]

    async def passed(self) -> list[str]:
        """Return the texts of all messages that were passed on so far."""
        while not await self.passing.round():
            pass
        return self.arrivals.texts


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with delivery_rig(servers) as rig:
        yield rig.rig.database


@pytest.fixture
async def worker(database: Database) -> _Worker:
    await database.fetch("delete from delivery_joining", timeout=5)
    return _Worker(database)


def _part(
    number: int, text: str, *, total: int = 3, reference: int = 7, sender: str = NUMBER, at: int = 1
) -> InboundPart:
    return InboundPart("one", sender, _OWN, reference, total, number, text, at)


_THREE = (_part(1, "one ", at=30), _part(2, "two ", at=20), _part(3, "three", at=10))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_parts_come_in_any_order(worker: _Worker, order: tuple[int, ...]) -> None:
    assert await worker.keep(*(_THREE[place] for place in order)) == [False, False, True]
    assert await worker.passed() == ["one two three"]
    (inbound,) = worker.arrivals.calls
    assert (inbound.carrier, inbound.sender, inbound.destination) == ("one", NUMBER, _OWN)
    assert inbound.at == _THREE[order[0]].at


async def test_what_comes_twice_is_there_once(worker: _Worker) -> None:
    assert await worker.keep(_THREE[0], _THREE[0], _THREE[1], _THREE[0], _THREE[2]) == [False] * 4 + [True]
    assert await worker.passed() == ["one two three"]
    # The carrier heard no answer, and brings all of them again.
    await worker.keep(*_THREE, *_THREE)
    await asyncio.sleep(1.5 * _LATE_MS / 1000)
    assert await worker.passed() == ["one two three"]


async def test_parts_come_at_once_by_several_binds(worker: _Worker) -> None:
    many = [
        _part(number, f"{number},", total=9, reference=reference) for reference in range(20) for number in range(1, 10)
    ]
    whole = await asyncio.gather(*(worker.parts.keep(part) for part in (*many, *many)))
    assert sum(whole) == 20
    assert await worker.passed() == ["1,2,3,4,5,6,7,8,9,"] * 20


async def test_several_workers_pass_each_message_on_once(worker: _Worker, database: Database) -> None:
    other = _Worker(database)
    for reference in range(_MANY):
        await worker.keep(*(part._replace(reference=reference) for part in _THREE))
    await asyncio.gather(worker.passed(), other.passed())
    assert worker.arrivals.calls
    assert other.arrivals.calls
    assert len(worker.arrivals.calls) + len(other.arrivals.calls) == _MANY


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((1, 3), f"one {MISSING}three"),
        ((3,), f"{MISSING}three"),
        ((1,), f"one {MISSING}"),
        ((2, 3), f"{MISSING}two three"),
    ],
)
async def test_what_is_not_whole_in_time_is_passed_on_with_a_mark(
    worker: _Worker, numbers: tuple[int, ...], text: str
) -> None:
    await worker.keep(*(_THREE[number - 1] for number in numbers))
    assert await worker.passed() == []
    await asyncio.sleep(1.5 * _LATE_MS / 1000)
    assert await worker.passed() == [text]
    # What comes later still is not lost, and nothing comes twice.
    missing = next(number for number in (1, 2, 3) if number not in numbers)
    await worker.keep(*_THREE)
    await asyncio.sleep(1.5 * _LATE_MS / 1000)
    first, second = await worker.passed()
    assert first == text
    assert _THREE[missing - 1].text in second


async def test_the_same_parts_long_after_are_of_another_message(worker: _Worker, database: Database) -> None:
    """Who is sent the same text by a machine each hour gets it each hour, though references begin again."""
    await worker.keep(*_THREE)
    await worker.passed()
    await database.fetch("update delivery_joining set joined_at = joined_at - 840000", timeout=5)
    assert await worker.keep(*_THREE) == [False] * 3
    await database.fetch("update delivery_joining set joined_at = joined_at - 61000", timeout=5)
    assert await worker.keep(*_THREE, _THREE[0]) == [False, False, True, False]
    await worker.passed()
    assert [inbound.text for inbound in worker.arrivals.calls] == ["one two three"] * 2
    assert len({inbound.inbound_id for inbound in worker.arrivals.calls}) == 2


async def test_a_part_of_another_text_is_of_another_message(worker: _Worker) -> None:
    """A reference has 8 bits, and phones begin again."""
    await worker.keep(_part(1, "old "), _part(2, "and "))
    assert await worker.keep(_part(1, "new "), _part(2, "or "), _part(3, "newer")) == [False, False, True]
    assert await worker.keep(_part(3, "older")) == [True]
    assert {*await worker.passed()} == {"new or newer", "old and older"}


async def test_messages_are_told_apart_by_everything(worker: _Worker) -> None:
    await worker.keep(
        _part(1, "a", total=2),
        _part(2, "b", total=2, reference=8),
        _part(2, "c", total=2, sender="436990000009"),
        _part(2, "d", total=3),
        _part(2, "e", total=2)._replace(destination="436990000006"),
        _part(2, "f", total=2)._replace(carrier="two"),
    )
    assert await worker.passed() == []
    assert await worker.keep(_part(2, "g", total=2)) == [True]
    assert await worker.passed() == ["ag"]


async def test_halves_of_a_character_become_one(worker: _Worker) -> None:
    high, low = "\ud83d", "\ude00"
    await worker.keep(_part(1, f"smile {high}", total=2), _part(2, f"{low}!\0", total=2))
    assert await worker.passed() == ["smile \U0001f600!\0"]
    await worker.keep(_part(1, f"half {high}", total=2, reference=9), _part(2, "!", total=2, reference=9))
    assert (await worker.passed())[-1] == "half \ufffd!"


async def test_what_cannot_be_passed_on_waits(worker: _Worker, database: Database) -> None:
    worker.arrivals.away = True
    await worker.keep(*_THREE)
    assert await worker.passing.round() > 0
    assert worker.arrivals.texts == []
    worker.arrivals.away = False
    await database.fetch("update delivery_joining set due_at = 0", timeout=5)
    # One that dies before it says so; the second time the message has the same name.
    (joining,) = await worker.parts.due(10, 0)
    await worker.arrivals.inbound(joining.inbound())
    assert await worker.passed() == ["one two three"]
    assert len(worker.arrivals.calls) == 2


async def test_texts_are_not_kept_when_they_were_passed_on(worker: _Worker, database: Database) -> None:
    await worker.keep(*_THREE)
    await worker.passed()
    assert await database.fetch("select from delivery_joining_part where body is not null", timeout=5) == []
    assert await worker.parts.sweep(60_000, 10) == 0
    assert await worker.parts.sweep(-1, 10) == 1
    assert await database.fetch("select from delivery_joining_part", timeout=5) == []


async def test_what_can_never_be_passed_on_is_given_up(
    worker: _Worker, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.fetch("delete from delivery_stranger", timeout=5)
    await worker.keep(_part(1, "ha", total=2), _part(2, "lf", total=2), *(_part(nth, "x") for nth in (1, 2, 3)))

    async def rounds(count: int) -> None:
        for _ in range(count):
            await database.fetch("update delivery_joining set due_at = 0", timeout=5)
            await worker.passing.round()

    worker.arrivals.away = True
    await rounds(20)
    worker.arrivals.away, worker.arrivals.breaks = False, True
    await rounds(9)
    assert await database.fetch("select from delivery_stranger", timeout=5) == []
    await rounds(1)
    rows = await database.fetch("select body, destination from delivery_stranger order by body", timeout=5)
    assert [tuple(row) for row in rows] == [("6861 6c66", _OWN), ("78 78 78", _OWN)]
    assert len([each for each in caplog.messages if each == "parts were not passed on"]) == 20
    worker.arrivals.breaks = False
    await rounds(1)
    assert worker.arrivals.calls == []
    # It is known like any other that was passed on.
    assert await worker.keep(_part(1, "ha", total=2)) == [False]
    assert await database.fetch("select from delivery_joining_part where body is not null", timeout=5) == []
