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
    for job_id in range(times):
        found.append(pause.after(outcome, str(job_id)))
        clock.now += found[-1] + 0.1
    return found


def test_each_pause_is_twice_as_long_up_to_a_minute() -> None:
    assert _pauses(_SLOW, 9) == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert _pauses(NotSent("away"), 2) == [1, 2]


def test_an_account_that_is_refused_has_long_ones() -> None:
    assert _pauses(Refused(Refusal.ACCOUNT, "no money"), 6) == [60, 120, 240, 480, 900, 900]


def test_many_refusals_of_one_moment_are_one() -> None:
    pause = Pause(_Clock())
    assert [pause.after(_SLOW, str(job_id)) for job_id in range(4)] == [0, 1, 0, 0]


def test_acceptance_begins_anew() -> None:
    clock = _Clock()
    pause = Pause(clock)
    taken = Accepted(("id",))
    steps: list[tuple[Outcome, int]] = [(_SLOW, 0), (_SLOW, 1), (_SLOW, 2), (taken, 0), (_SLOW, 0), (_SLOW, 1)]
    for job_id, (outcome, expected) in enumerate(steps):
        assert pause.after(outcome, str(job_id)) == expected
        clock.now += expected + 1


def test_one_message_that_is_held_back_again_and_again_holds_up_nobody() -> None:
    clock = _Clock()
    pause = Pause(clock)
    for _ in range(5):
        assert pause.after(_SLOW, "7") == 0
        clock.now += 2
    clock.now += 5
    assert pause.after(_SLOW, "8") == 0


def test_no_answers_to_several_are_a_wish_for_less() -> None:
    assert _pauses(Unknown("no answer"), 3) == [0, 1, 2]


def test_the_carrier_may_ask_for_more() -> None:
    pause = Pause(_Clock())
    assert [pause.after(_SLOW._replace(after_seconds=90), str(job_id)) for job_id in (1, 2)] == [0, 90]


def test_the_rest_is_no_reason_to_pause() -> None:
    pause = Pause(_Clock())
    for job_id in range(2):
        for kind in (Refusal.TEMPORARY, Refusal.PERMANENT, Refusal.LATER):
            outcome = Refused(kind, "busy", 3.0)
            assert pause.after(outcome, str(job_id)) == 0


def test_a_few_full_phones_hold_up_nobody_and_many_in_a_row_do() -> None:
    """One number after the other: what the carrier said of one, such as to wait for 10 seconds, is about that one."""
    clock = _Clock()
    pause = Pause(clock)
    full = Refused(Refusal.FULL, "0x14", 10.0)
    for number in range(12):
        assert pause.after(full, str(number)) == 0
        assert pause.after(Accepted(("id",)), "7") == 0
        clock.now += 0.1
    assert [pause.after(full, str(number)) for number in range(6)] == [0, 0, 0, 0, 1, 0]
