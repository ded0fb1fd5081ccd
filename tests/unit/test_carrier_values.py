"""Values on their way to carriers and back."""

import pytest

from services.delivery.carriers.expressions import Expression
from services.delivery.carriers.smpp.addresses import source
from services.delivery.carriers.smpp.codec import Address

_PLANS = ((1, 1), (3, 0), (5, 0))


@pytest.mark.parametrize(
    ("sender", "plan"), [("436990000001", (1, 1)), ("12345", (3, 0)), ("Shop", (5, 0)), ("", (0, 0))]
)
def test_a_sender_is_typed_by_its_form(sender: str, plan: tuple[int, int]) -> None:
    assert source(sender, *_PLANS) == Address(sender, *plan)


@pytest.mark.parametrize(
    ("found", "text"), [(7, "7"), (2**63, str(2**63)), (1.5, "1.5"), (1.2345678901234568e20, None), (True, None)]
)
def test_a_number_whose_last_digits_are_lost_is_none(found: object, text: str | None) -> None:
    """What reads JSON makes such a number of each that is too large, and two ids of messages would be one."""
    assert Expression("id").text_in({"id": found}) == text
