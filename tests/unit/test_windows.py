"""Windows against what they stand for: a log of every call that was let through."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.windows import STEPS, Ask, Memory, Window

SECONDS = 40
STEP = SECONDS / STEPS
ACCOUNT = Window("account", 5, SECONDS)
APPLICATION = Window("application", 3, SECONDS)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def take(memory: Memory, *windows: Window, caller: str = "7") -> bool:
    return memory.take([Ask(window, caller) for window in windows]).accepted


@settings(deadline=None)
@given(st.lists(st.floats(0, 30), max_size=25))
def test_nobody_is_refused_with_room_in_a_whole_window_nor_let_through_without_room_in_most_of_it(
    pauses: Sequence[float],
) -> None:
    clock = Clock()
    memory = Memory(clock)
    log: list[float] = []
    for pause in pauses:
        clock.now += pause
        if take(memory, ACCOUNT):
            assert sum(at > clock.now - (SECONDS - STEP) for at in log) < ACCOUNT.quota
            log.append(clock.now)
        else:
            assert sum(at >= clock.now - SECONDS for at in log) >= ACCOUNT.quota


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 30), max_size=25))
def test_one_who_waits_as_long_as_told_is_let_through_and_not_much_before(pauses: Sequence[float]) -> None:
    clock = Clock()
    memory = Memory(clock)
    for pause in pauses:
        clock.now += pause
        while take(memory, ACCOUNT):
            pass
        told = memory.take([Ask(ACCOUNT, "7")]).standings[0].seconds
        clock.now += told - 0.01
        assert not take(memory, ACCOUNT)
        clock.now += 0.02
        assert take(memory, ACCOUNT)


def test_a_call_takes_from_all_windows_or_from_none() -> None:
    memory = Memory(Clock())
    assert [take(memory, ACCOUNT, APPLICATION) for _ in range(6)] == [True] * 3 + [False] * 3
    verdict = memory.take([Ask(ACCOUNT, "7", takes=False), Ask(APPLICATION, "7", takes=False)])
    assert [standing.used for standing in verdict.standings] == [3, 3]


def test_looking_takes_nothing() -> None:
    memory = Memory(Clock())
    for _ in range(10):
        assert memory.take([Ask(ACCOUNT, "7", takes=False)]).accepted


def test_callers_count_by_themselves() -> None:
    memory = Memory(Clock())
    assert [take(memory, APPLICATION) for _ in range(4)] == [True, True, True, False]
    assert take(memory, APPLICATION, caller="8")


def test_callers_unseen_for_two_windows_are_forgotten() -> None:
    clock = Clock()
    memory = Memory(clock)
    for number in range(1000):
        take(memory, ACCOUNT, caller=str(number))
    for _ in range(3):
        clock.now += SECONDS
        take(memory, ACCOUNT)
    assert len(memory) == 1


def test_many_callers_take_no_more_memory_than_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.windows._CALLERS", 10)
    memory = Memory(Clock())
    for number in range(100):
        assert take(memory, ACCOUNT, caller=str(number))
    assert len(memory) <= 20
