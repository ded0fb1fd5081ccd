"""References of long messages: the same at each try, and no step between jobs makes those of one number alike."""

import pytest

from services.delivery.carriers.smpp import parts
from services.delivery.segments import Unsendable
from tests.unit.smpp_scene import options, submission


def reference(job_id: int) -> int:
    return parts.pieces(options(1), submission("x" * 200, job_id=job_id))[0].octets[3]


def test_a_message_has_the_same_reference_at_each_try() -> None:
    assert reference(7) == reference(7)


def test_jobs_in_steps_of_255_have_references_of_their_own() -> None:
    assert len({reference(7 + 255 * step) for step in range(20)}) > 10


def test_what_this_alphabet_has_not_is_counted_as_it_leaves() -> None:
    # 112 parts with the euro sign in seven bits, more than 255 in sixteen.
    with pytest.raises(Unsendable, match="more than 255 parts"):
        parts.pieces(options(1, parts=255, alphabet="latin1"), submission("€" + "a" * 17_100))
