"""The floor of the outbox rises behind the events that left, and nothing below it is forgotten for long."""

from shared.mailbox.outbox import Floor


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_begins_at_the_start_until_nothing_is_left() -> None:
    floor = Floor(Clock())
    assert floor.start() == 0
    floor.took(range(1, 501), full=True)
    assert floor.start() == 0
    floor.took([], full=False)
    assert floor.start() == 0, "what was taken just now may have a straggler below it"


def test_it_rises_when_what_was_taken_has_settled() -> None:
    clock = Clock()
    floor = Floor(clock)
    floor.took([3, 7, 5], full=False)
    clock.now += 2.9
    floor.took([9], full=False)
    assert floor.start() == 0
    clock.now += 0.2
    assert floor.start() == 7
    clock.now += 3
    assert floor.start() == 9


def test_stragglers_are_looked_for_every_minute_until_a_look_finds_no_more() -> None:
    clock = Clock()
    floor = Floor(clock)
    floor.took([7], full=False)
    clock.now += 59.9
    assert floor.start() == 7
    clock.now += 0.2
    assert floor.start() == 0
    floor.took(range(2, 6), full=True)
    assert floor.start() == 0
    floor.took([6], full=False)
    assert floor.start() == 7, "an event below it does not lower it"
