"""Numbers that get nothing for a while."""

import pytest

from services.delivery.carriers.carrier import Accepted, NotSent, Refusal, Refused
from services.delivery.quiet_numbers import QuietNumbers

_NUMBER, _OTHER = "436990000001", "436990000002"
_FULL = Refused(Refusal.FULL, "full", 10.0)


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_number_rests_for_as_long_as_its_message_waits() -> None:
    clock = _Clock()
    quiet = QuietNumbers(clock)
    quiet.after(_FULL, _NUMBER)
    quiet.after(_FULL._replace(after_seconds=None), _OTHER)
    clock.now += 1
    assert (quiet.rest(_NUMBER), quiet.rest(_OTHER)) == (9.0, 1.0)
    clock.now += 10
    assert quiet.rest(_NUMBER) == 0.0


def test_only_being_told_to_wait_makes_it_rest() -> None:
    quiet = QuietNumbers(_Clock())
    for outcome in (NotSent("away"), Refused(Refusal.TEMPORARY, "busy"), Refused(Refusal.LATER, "its turn", 3.0)):
        quiet.after(outcome, _NUMBER)
        assert quiet.rest(_NUMBER) == 0.0


def test_what_is_taken_ends_the_rest() -> None:
    quiet = QuietNumbers(_Clock())
    quiet.after(_FULL, _NUMBER)
    quiet.after(Accepted(("id",)), _NUMBER)
    assert quiet.rest(_NUMBER) == 0.0


def test_it_knows_so_many_numbers_and_no_more() -> None:
    quiet = QuietNumbers(_Clock())
    for number in range(10_001):
        quiet.after(_FULL, str(number))
    assert quiet.rest("0") == 0.0
    assert quiet.rest("1")


def _wait(outcome: object) -> float | None:
    assert isinstance(outcome, Refused)
    return outcome.after_seconds


def test_after_a_rest_one_message_goes_first_and_the_next_rest_is_twice_as_long() -> None:
    clock = _Clock()
    quiet = QuietNumbers(clock)
    waits = []
    for _ in range(9):
        waits.append(_wait(quiet.after(_FULL, _NUMBER)))
        # What was under way with it says the same, and waits as long.
        assert _wait(quiet.after(_FULL, _NUMBER)) == pytest.approx(waits[-1])
        clock.now += (waits[-1] or 0.0) + 1e-6
        assert [quiet.rest(_NUMBER) for _ in range(3)] == pytest.approx([0.0, 2.0, 2.0])
        clock.now += 0.1
    assert waits == pytest.approx([10, 20, 40, 80, 160, 320, 640, 900, 900])
    quiet.after(Accepted(("id",)), _NUMBER)
    assert _wait(quiet.after(_FULL, _NUMBER)) == 10


def test_a_carrier_that_asks_for_more_gets_it() -> None:
    quiet = QuietNumbers(_Clock())
    assert _wait(quiet.after(_FULL._replace(after_seconds=3600.0), _NUMBER)) == 3600
