"""Submitting by one carrier, with a store and guards of the test's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.delivery.carriers.carrier import (
    Accepted,
    Carrier,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Submission,
    Unanswered,
    Unknown,
)
from services.delivery.conclusions import Sent
from services.delivery.guards import Check
from services.delivery.jobs import Claimed
from services.delivery.reach import Ways
from services.delivery.submitting import Submitting
from shared.postgres.errors import DatabaseTimeout

_JOB = Claimed(
    account_id=1, message_id=1, claim=1, job_id=1, sender="", recipient="436990000001", body="text", encoding=0,
    expires_at=10**15, due_at=0, attempts=0, resends=0, is_counted=False, tried=[],
)  # fmt: skip


class _Carrier:
    name = "one"
    rate = 1000.0
    window = 3
    open = True

    def __init__(self) -> None:
        self.is_closed = False
        self.under_way = 0
        self.most = 0

    async def submit(self, _: Submission) -> Outcome:
        if self.is_closed:
            raise RuntimeError("Session is closed")
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.02)
        self.under_way -= 1
        return Accepted(("id",))

    async def close(self) -> None:
        self.is_closed = True


class _World:
    """Everything that a loop of submissions knows: jobs, carriers, guards, and who concludes."""

    def __init__(self, jobs: int) -> None:
        self.jobs = [_JOB._replace(message_id=nth, job_id=nth) for nth in range(jobs)]
        self.now: Carrier | None = _Carrier()
        self.concluded: list[tuple[Sent, Outcome]] = []
        self.held: list[int] = []
        self.released = 0
        self.given_back = 0
        self.taken_back: list[int] = []
        self.looks = 0
        self.wait_ms = 5_000
        self.guarding: Callable[[], None] = lambda: None
        self.keeping = asyncio.Event()
        self.keeping.set()

    async def claim(self, _: str, most: int, *__: object) -> list[Claimed]:
        self.looks += 1
        jobs, self.jobs = self.jobs[:most], self.jobs[most:]
        return jobs

    async def unclaim(self, _: str, claim: int) -> None:
        self.taken_back.append(claim)

    async def release(self, _: str) -> None:
        self.released += 1

    async def hold(self, _: str, ms: int) -> None:
        self.held.append(ms)

    async def give_back(self, _: str, jobs: int, __: float) -> None:
        self.given_back += jobs

    def carrier(self, _: str) -> Carrier | None:
        return self.now

    def sender(self, _: str, own: str) -> str:
        return own

    def gives_receipts(self, _: str) -> bool:
        return True

    def unanswered(self, _: str, __: str, ___: str) -> Unanswered:
        return Unanswered("fail", self.wait_ms)

    async def refusals(self, checks: Sequence[Check]) -> Sequence[None]:
        await asyncio.sleep(0.01)
        self.guarding()
        return [None] * len(checks)

    async def conclude(self, sent: Sent, outcome: Outcome) -> None:
        await self.keeping.wait()
        self.concluded.append((sent, outcome))


@asynccontextmanager
async def _submitting(world: Any, *, lease_seconds: float = 10.0) -> AsyncIterator[None]:
    loop = Submitting("one", Ways(world, world), world, world, lease_seconds=lease_seconds)
    jobs = len(world.jobs)
    async with loop.upkeep.running():
        yield
        async with asyncio.timeout(10):
            while len(world.concluded) < jobs:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)


async def test_no_more_are_under_way_than_the_window_holds() -> None:
    world, carrier = _World(20), _Carrier()
    world.now = carrier
    async with _submitting(world):
        pass
    assert carrier.most == carrier.window


async def test_what_is_answered_makes_room_before_it_is_kept() -> None:
    world, carrier = _World(20), _Carrier()
    world.now = carrier
    world.keeping.clear()
    async with _submitting(world):
        await asyncio.sleep(1)
        # Not for ever: what a worker knows alone is unknown when it dies.
        assert 20 - len(world.jobs) == 2 * carrier.window
        world.keeping.set()
    assert carrier.most == carrier.window


async def test_a_line_that_is_not_long_is_looked_at_less_often_however_often_somebody_says_so() -> None:
    world: Any = _World(0)
    loop = Submitting("one", Ways(world, world), world, world, lease_seconds=10)
    end = time.monotonic() + 0.5
    async with loop.upkeep.running():
        while time.monotonic() < end:
            loop.upkeep.wake()
            await asyncio.sleep(0.001)
    # Of the 50 times that a long line is.
    assert 2 <= world.looks <= 25


async def test_a_claim_whose_answer_is_lost_is_taken_back_before_the_worker_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world: Any = _World(0)
    asked: list[int] = []

    async def lost(*arguments: Any) -> list[Claimed]:
        asked.append(arguments[-1])
        raise DatabaseTimeout("no answer in time")

    monkeypatch.setattr(world, "claim", lost)
    loop = Submitting("one", Ways(world, world), world, world, lease_seconds=10)
    async with loop.upkeep.running():
        while not asked:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
        await loop.drain()
        assert world.taken_back == asked


async def test_nothing_is_claimed_for_a_carrier_that_is_not_open() -> None:
    world, carrier = _World(2), _Carrier()
    world.now, carrier.open = carrier, False
    async with _submitting(world):
        await asyncio.sleep(0.4)
        assert len(world.jobs) == 2
        carrier.open = True


async def test_what_was_claimed_before_a_reload_goes_by_the_carrier_of_now() -> None:
    world, old, new = _World(1), _Carrier(), _Carrier()
    world.now, old.is_closed = old, True
    world.guarding = lambda: setattr(world, "now", new)
    async with _submitting(world):
        pass
    assert [outcome for _, outcome in world.concluded] == [Accepted(("id",))]
    assert new.most == 1


async def test_a_carrier_whose_table_changed_is_held_no_more() -> None:
    world = _World(0)
    async with _submitting(world):
        await asyncio.sleep(0.05)
        assert world.released == 0
        world.now = _Carrier()
        async with asyncio.timeout(5):
            while not world.released:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


async def test_what_was_claimed_for_a_carrier_that_is_gone_was_not_sent() -> None:
    world = _World(2)
    world.guarding = lambda: setattr(world, "now", None)
    async with _submitting(world):
        pass
    assert [outcome for _, outcome in world.concluded] == [NotSent("the carrier is gone")] * 2
    assert world.held == []


async def test_guards_that_fail_let_nothing_out_and_are_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    world = _World(2)

    def fail() -> None:
        raise ValueError("a bug")

    world.guarding = fail
    async with _submitting(world):
        pass
    unchecked = (False, Refused(Refusal.TEMPORARY, "it could not be checked"))
    assert [(sent.given, outcome) for sent, outcome in world.concluded] == [unchecked] * 2
    assert "a message was not checked" in caplog.messages


class _Slow(_Carrier):
    """One that takes what it gets, and never answers."""

    window = 30

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Submission] = []

    async def submit(self, submission: Submission) -> Outcome:
        self.got.append(submission)
        await asyncio.sleep(60)
        return Accepted(())


async def test_what_the_claim_takes_is_of_the_time_of_a_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    world, carrier = _World(1), _Slow()
    world.now = carrier
    claim = world.claim

    async def slow(*arguments: Any) -> list[Claimed]:
        await asyncio.sleep(0.5)
        return await claim(*arguments)

    monkeypatch.setattr(world, "claim", slow)
    since = asyncio.get_running_loop().time()
    async with _submitting(world, lease_seconds=2.0):
        pass
    # Half the lease, and the carrier ends before that.
    assert since + 0.8 < carrier.got[0].deadline < since + 0.96
    assert asyncio.get_running_loop().time() - since < 1.4
    assert [outcome for _, outcome in world.concluded] == [Unknown("no answer in time")]


async def test_what_could_not_be_begun_in_its_time_is_not_sent() -> None:
    world, carrier = _World(2), _Slow()
    world.now = carrier
    # As if the process had been stopped.
    world.guarding = lambda: time.sleep(0.6)
    async with _submitting(world, lease_seconds=1.0):
        pass
    assert [outcome for _, outcome in world.concluded] == [NotSent("its turn came too late")] * 2
    assert carrier.got == []
    assert world.held == []


class _Full(_Carrier):
    """One that has no room for a number."""

    window = 1

    def __init__(self) -> None:
        super().__init__()
        self.got: list[str] = []

    async def submit(self, submission: Submission) -> Outcome:
        self.got.append(submission.recipient)
        await asyncio.sleep(0.02)
        full = submission.recipient == _JOB.recipient
        return Refused(Refusal.FULL, "full", 30.0) if full else Accepted(("id",))


async def test_a_full_number_holds_up_nobody_else() -> None:
    world, carrier = _World(4), _Full()
    world.now = carrier
    world.jobs[2] = world.jobs[2]._replace(recipient="436990000002")
    async with _submitting(world):
        pass
    assert carrier.got == [_JOB.recipient, "436990000002"]
    kinds = [outcome.kind if isinstance(outcome, Refused) else None for _, outcome in world.concluded]
    assert kinds == [Refusal.FULL, Refusal.LATER, None, Refusal.LATER]
    assert world.held == []
    # Of what the carrier takes in a time these took nothing.
    assert world.given_back == 2


async def test_two_messages_to_one_full_number_hold_up_nobody_else() -> None:
    world, carrier = _World(2), _Full()
    world.now, carrier.window = carrier, 2
    async with _submitting(world):
        pass
    assert carrier.got == [_JOB.recipient] * 2
    assert world.held == []


class _Late(_Carrier):
    """One whose answer comes when its time is over."""

    def __init__(self) -> None:
        super().__init__()
        self.late: asyncio.Queue[Outcome] = asyncio.Queue()

    async def submit(self, _: Submission) -> Outcome:
        return Unknown("no answer in time", late=self.late.get)


async def _concluded(world: _World, count: int) -> list[Outcome]:
    async with asyncio.timeout(5):
        while len(world.concluded) < count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
    return [outcome for _, outcome in world.concluded]


@pytest.mark.parametrize("said", [Accepted(("id",)), Refused(Refusal.PERMANENT, "blocked")])
async def test_an_answer_that_is_late_is_what_became_of_it(said: Outcome) -> None:
    world, carrier = _World(1), _Late()
    world.now = carrier
    async with _submitting(world):
        assert isinstance((await _concluded(world, 1))[0], Unknown)
        carrier.late.put_nowait(said)
        assert (await _concluded(world, 2))[1] == said


async def test_what_is_unknown_late_too_and_what_comes_after_the_wait_say_nothing() -> None:
    world, carrier = _World(1), _Late()
    world.now, world.wait_ms = carrier, 100
    async with _submitting(world):
        await _concluded(world, 1)
        await asyncio.sleep(0.5)
        carrier.late.put_nowait(Accepted(("id",)))
        await asyncio.sleep(0.1)
    assert len(world.concluded) == 1
    world.jobs, world.wait_ms = [_JOB], 5_000
    carrier.late.get_nowait()
    carrier.late.put_nowait(Unknown("the link ended"))
    async with _submitting(world):
        await _concluded(world, 2)
        await asyncio.sleep(0.1)
    assert len(world.concluded) == 2


async def test_a_worker_that_stops_leaves_the_wait_to_others() -> None:
    world: Any = _World(1)
    world.now = _Late()
    loop = Submitting("one", Ways(world, world), world, world, lease_seconds=10.0)
    async with loop.upkeep.running():
        await _concluded(world, 1)
        async with asyncio.timeout(2):
            await loop.drain()
    world.now.late.put_nowait(Accepted(("id",)))
    await asyncio.sleep(0.1)
    assert len(world.concluded) == 1
