"""Concluding, with a store of the test's own: what is counted of what became of submissions."""

from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.delivery.carriers.carrier import Accepted, Outcome, Unanswered, Unknown
from services.delivery.concluding import Concluding
from services.delivery.conclusions import Sent
from services.delivery.jobs import Claimed, Conclusion

_JOB = Claimed(
    account_id=1, message_id=1, claim=1, job_id=1, sender="", recipient="436990000001", body="", encoding=0,
    expires_at=10**15, due_at=0, attempts=0, resends=0, is_counted=False, tried=[],
)  # fmt: skip
_SENT = Sent(_JOB, "counted", gives_receipts=True, unanswered=Unanswered("fail"))


class _World:
    """A store in which some jobs are somebody else's by now, and who draws the conclusions."""

    def __init__(self, *lost: tuple[int, int]) -> None:
        self._lost = {*lost}

    async def conclude(self, _: Sequence[Any]) -> set[tuple[int, int]]:
        return self._lost

    def draw(self, sent: Sent, _: Outcome) -> Any:
        return Conclusion(*sent.job[:3], "accepted", "", "accepted", 0, "fake", "[]", 0, 0, "[]", is_counted=True)


@pytest.mark.parametrize(
    ("outcome", "is_answer", "lost", "counted", "late"),
    [
        (Accepted(("id",)), True, (), 1, 0),
        (Accepted(("id",)), True, ((1, 1),), 0, 1),
        (Unknown("its worker is gone"), False, (), 1, 0),
        # Another worker was the first to say so.
        (Unknown("its worker is gone"), False, ((1, 1),), 0, 0),
    ],
)
async def test_each_submission_is_counted_once(
    outcome: Outcome, lost: Sequence[tuple[int, int]], counted: int, late: int, *, is_answer: bool
) -> None:
    world: Any = _World(*lost)
    before = _figures(outcome)
    await Concluding(world, world, lambda _: None).conclude(_SENT, outcome, is_answer=is_answer)
    assert _figures(outcome) == (before[0] + counted, before[1] + late)


async def test_it_is_told_in_which_states_jobs_are_now() -> None:
    world: Any = _World()
    told: list[Any] = []
    await Concluding(world, world, told.append).conclude(_SENT, Accepted(("id",)))
    assert told == [{"accepted"}]


async def test_what_was_unknown_and_is_given_up_was_counted_before() -> None:
    world: Any = _World()
    outcome = Unknown("nothing more was heard of it")
    before = _figures(outcome)
    await Concluding(world, world, lambda _: None).conclude(_SENT._replace(was_unknown=True), outcome, is_answer=False)
    assert _figures(outcome) == before


def _figures(outcome: Outcome) -> tuple[float, float]:
    labels = {"carrier": "counted", "outcome": type(outcome).__name__.lower()}
    submissions = REGISTRY.get_sample_value("usermessage_delivery_submissions_total", labels)
    return submissions or 0.0, REGISTRY.get_sample_value("usermessage_delivery_late_answers_total") or 0.0
