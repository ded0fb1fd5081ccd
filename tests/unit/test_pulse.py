"""What is read after a standstill counts from before it."""

import pytest

from shared.bus.pulse import Pulse


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse(clock)


def test_what_comes_while_the_loop_beats_came_now(pulse: Pulse, clock: Clock) -> None:
    for _ in range(20):
        clock.now += 0.1
        pulse.beat()
    clock.now += 0.05
    assert pulse.received() == clock.now


@pytest.mark.parametrize("beats_first", [True, False])
def test_what_comes_after_a_gap_came_before_it(pulse: Pulse, clock: Clock, *, beats_first: bool) -> None:
    pulse.beat()
    clock.now += 120
    if beats_first:
        pulse.beat()
    assert pulse.received() == 100.0
    clock.now += 0.1
    pulse.beat()
    assert pulse.received() == 100.0


def test_what_is_read_after_a_second_gap_may_have_come_before_the_first(pulse: Pulse, clock: Clock) -> None:
    for seconds in (120, 0.1, 0.6, 0.1):
        clock.now += seconds
        assert pulse.received() == 100.0
    for _ in range(10):
        clock.now += 0.1
        pulse.beat()
    assert pulse.received() == clock.now


def test_a_second_after_a_gap_all_is_well(pulse: Pulse, clock: Clock) -> None:
    clock.now += 120
    for _ in range(11):
        pulse.beat()
        clock.now += 0.1
    assert pulse.received() == clock.now
