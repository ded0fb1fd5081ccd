"""The age of events that somebody has and has yet to handle."""

import time

import pytest

from shared.bus.unhandled import Unhandled
from shared.contract.events import Event, Fact


def written(seconds_ago: float) -> Event:
    return Event(Fact.MESSAGE_STORED, 1, 1, 1, int((time.time() - seconds_ago) * 1000))


def test_the_oldest_of_all_that_is_held_counts() -> None:
    unhandled = Unhandled()
    with unhandled.holding([written(5), written(50)]):
        with unhandled.holding([written(500)]):
            assert 500 <= unhandled.age() < 510
        assert 50 <= unhandled.age() < 60
    assert unhandled.age() == 0.0


def test_what_is_handed_back_ages_until_it_may_come_again() -> None:
    unhandled = Unhandled()
    for seconds in (500, 50):
        with pytest.raises(RuntimeError), unhandled.holding([written(seconds)]):
            raise RuntimeError
    assert 500 <= unhandled.age() < 510
    unhandled.begin()
    assert unhandled.age() == 0.0


def test_a_message_without_events_is_no_age() -> None:
    unhandled = Unhandled()
    with unhandled.holding([]):
        assert unhandled.age() == 0.0
