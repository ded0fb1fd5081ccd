"""Numbers of recipients: one form for each."""

import pytest

from services.delivery.numbers import canonical


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        ("436990000001", "436990000001"),
        ("4306990000001", "436990000001"),
        ("112025550123", "12025550123"),
        # In Italy the zero is dialled from everywhere.
        ("390612345678", "390612345678"),
        ("12345", "12345"),
        ("0699", "0699"),
        ("43699abcdef", "43699abcdef"),
        ("", ""),
    ],
)
def test_a_number_has_one_form(digits: str, number: str) -> None:
    assert canonical(digits) == number
