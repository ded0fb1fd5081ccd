"""Which inbound messages are the same: SMPP gives them no ids, and carriers bring again what was not answered."""

import pytest

from services.delivery.carriers.smpp import repeats
from services.delivery.carriers.smpp.repeats import Repeats


class Clock:
    """Says the time that the test sets, to whoever asks the module's `time`."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_800_000_000.0 + self.now


class Link:
    ended_at: float | None = None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(repeats, "time", clock)
    return clock


def test_who_says_the_same_twice_has_two_messages(clock: Clock) -> None:
    seen, link = Repeats(), Link()
    first = seen.id_of(b"yes", link)
    seen.answered(b"yes", kept=True)
    clock.now += 1
    second = seen.id_of(b"yes", link)
    assert first != second
    assert seen.id_of(b"no", link) not in {first, second}


def test_what_was_not_answered_is_the_same(clock: Clock) -> None:
    seen = Repeats()
    first = seen.id_of(b"yes", Link())
    assert seen.id_of(b"yes", Link()) == first
    clock.now += 300
    assert seen.id_of(b"yes", Link()) == first


def test_what_waits_long_for_its_answer_is_the_same(clock: Clock) -> None:
    seen, link = Repeats(), Link()
    first = seen.id_of(b"yes", link)
    clock.now += 6
    assert seen.id_of(b"yes", link) == first


def test_two_in_one_moment_are_two(clock: Clock) -> None:
    seen, link = Repeats(), Link()
    first = seen.id_of(b"yes", link)
    clock.now += 0.1
    assert seen.id_of(b"yes", link) != first


def test_what_was_refused_is_the_same(clock: Clock) -> None:
    seen, link = Repeats(), Link()
    first = seen.id_of(b"yes", link)
    seen.answered(b"yes", kept=False)
    clock.now += 1
    assert seen.id_of(b"yes", link) == first


def test_what_was_answered_late_is_the_same(clock: Clock) -> None:
    seen, link = Repeats(), Link()
    first = seen.id_of(b"yes", link)
    clock.now += 6
    seen.answered(b"yes", kept=True)
    assert seen.id_of(b"yes", link) == first


@pytest.mark.parametrize(
    ("after", "again", "same"), [(1, 50, True), (14, 50, True), (16, 50, False), (1, 70, False), (14, 550, False)]
)
def test_an_answer_may_be_lost_with_its_link(clock: Clock, after: float, again: float, same: bool) -> None:  # noqa: FBT001 - of a table
    seen, link = Repeats(), Link()
    first = seen.id_of(b"yes", link)
    seen.answered(b"yes", kept=True)
    link.ended_at = clock.now + after
    clock.now = link.ended_at + again
    assert (seen.id_of(b"yes", Link()) == first) is same


def test_what_comes_much_later_is_another(clock: Clock) -> None:
    seen = Repeats()
    first = seen.id_of(b"yes", Link())
    clock.now += 601
    assert seen.id_of(b"yes", Link()) != first


def test_two_workers_agree_within_a_minute(clock: Clock) -> None:
    first = Repeats().id_of(b"yes", Link())
    assert Repeats().id_of(b"yes", Link()) == first
    clock.now += 61
    assert Repeats().id_of(b"yes", Link()) != first


def test_only_so_many_are_remembered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_MOST", 2)
    seen = Repeats()
    first = seen.id_of(b"1", Link())
    for said in (b"2", b"3"):
        seen.id_of(said, Link())
    clock.now += 61
    assert seen.id_of(b"1", Link()) != first
