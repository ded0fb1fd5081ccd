"""Phone numbers as people write them."""

import pytest

from services.accounts.phone_numbers import NationalNumber, plus_digits, region, region_of


@pytest.mark.parametrize(
    ("text", "home", "number"),
    [
        ("+436990000001", None, "+436990000001"),
        (" +43 (0)699 / 000-00.01 ", None, "+436990000001"),
        ("tel:+43-699-0000001;ext=12", None, "+436990000001"),
        ("+436990000001", "US", "+436990000001"),
        ("0699 0000001", "AT", "+436990000001"),
        ("0043 699 0000001", "AT", "+436990000001"),
        ("011 43 699 0000001", "US", "+436990000001"),
        ("(555) 010-0001", "US", "+15550100001"),
        ("06 1234567", "IT", "+39061234567"),
    ],
)
def test_numbers_become_plus_and_digits(text: str, home: str | None, number: str) -> None:
    assert plus_digits(text, home) == number


@pytest.mark.parametrize(
    "text", ["", "n/a", "*100#", "133", "1718", "118877", "+4369", "+999123456", "+43699000000112345", "1" * 300]
)
def test_what_nobody_can_be_reached_at_is_no_number(text: str) -> None:
    assert plus_digits(text, "AT") is None


@pytest.mark.parametrize("text", ["0699 0000001", "0043 699 0000001"])
def test_a_national_number_needs_a_country(text: str) -> None:
    with pytest.raises(NationalNumber):
        plus_digits(text, None)


def test_countries_are_known_by_their_code_and_by_a_number() -> None:
    assert [region(code) for code in (43, 1, 999, 800, 0, -1)] == ["AT", "US", None, None, None, None]
    assert [region_of(number) for number in ("436990000001", "1", "999123456")] == ["AT", None, None]
