"""References of long messages: the same at each try, and no step between jobs makes those of one number alike."""

from services.delivery.carriers.smpp import parts
from tests.unit.smpp_scene import options, submission


def reference(job_id: int) -> int:
    return parts.pieces(options(1), submission("x" * 200, job_id=job_id))[0].octets[3]


def test_a_message_has_the_same_reference_at_each_try() -> None:
    assert reference(7) == reference(7)


def test_jobs_in_steps_of_255_have_references_of_their_own() -> None:
    assert len({reference(7 + 255 * step) for step in range(20)}) > 10
