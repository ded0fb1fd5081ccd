"""Pauses of a carrier."""

from services.delivery.carriers.carrier import Accepted, NotSent, Outcome, Refusal, Refused, Unknown
from services.delivery.pause import Pause

_SLOW = Refused(Refusal.SLOW_DOWN, "throttled")


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _pauses(outcome: Outcome, times: int) -> list[float]:
    clock = _Clock()
    pause = Pause(clock)
    found = []
    for _ in range(times):
        found.append(pause.after(outcome))
        clock.now += found[-1] + 0.1
    return found


def test_each_pause_is_twice_as_long_up_to_a_minute() -> None:
    assert _pauses(_SLOW, 8) == [1, 2, 4, 8, 16, 32, 60, 60]
    assert _pauses(NotSent("away"), 2) == [1, 2]


def test_an_account_that_is_refused_has_long_ones() -> None:
    assert _pauses(Refused(Refusal.ACCOUNT, "no money"), 6) == [60, 120, 240, 480, 900, 900]


def test_many_refusals_of_one_moment_are_one() -> None:
    pause = Pause(_Clock())
    assert [pause.after(_SLOW) for _ in range(3)] == [1, 0, 0]


def test_acceptance_begins_anew() -> None:
    clock = _Clock()
    pause = Pause(clock)
    for outcome, expected in ((_SLOW, 1), (_SLOW, 2), (Accepted(("id",)), 0), (_SLOW, 1)):
        assert pause.after(outcome) == expected
        clock.now += 10


def test_the_carrier_may_ask_for_more() -> None:
    assert Pause(_Clock()).after(_SLOW._replace(after_seconds=90)) == 90


def test_the_rest_is_no_reason_to_pause() -> None:
    pause = Pause(_Clock())
    for outcome in (Unknown("?"), Refused(Refusal.TEMPORARY, "busy"), Refused(Refusal.PERMANENT, "blocked")):
        assert pause.after(outcome) == 0
