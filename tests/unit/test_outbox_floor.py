"""The floor of the outbox rises behind the events that left, and nothing below it is forgotten for long."""

from shared.mailbox.floor import Floor


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_begins_at_the_start_while_nothing_has_settled() -> None:
    floor = Floor(Clock())
    assert floor.start() == 0
    floor.took(range(1, 501), full=True)
    assert floor.start() == 0, "what was taken just now may have a straggler below it"


def test_a_backlog_is_not_read_from_the_start_in_every_round() -> None:
    clock = Clock()
    floor = Floor(clock)
    for nth in range(100):
        floor.start()
        floor.took(range(500 * nth + 1, 500 * nth + 501), full=True)
        clock.now += 0.125
    assert floor.start() == 500 * 77, "what was taken 3 seconds ago"


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
    floor.start()
    floor.took([700], full=False)
    clock.now += 59.9
    assert floor.start() == 700
    clock.now += 0.2
    assert floor.start() == 0
    floor.took(range(101, 601), full=True)
    assert floor.start() == 0
    floor.took([601], full=False)
    assert floor.start() == 700, "an event below it does not lower it"


def test_a_look_that_began_before_the_minute_was_over_is_none_from_the_start() -> None:
    clock = Clock()
    floor = Floor(clock)
    floor.start()
    floor.took([700], full=False)
    clock.now += 59.99
    assert floor.start() == 700
    clock.now += 0.05
    floor.took([701], full=False)
    assert floor.start() == 0
