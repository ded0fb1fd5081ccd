"""Numbers: the one form of each, which could be somebody's, and in which country."""

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

_REMEMBERED = 10_000
# For numbers of no country, such as satellite phones; it is no ISO code, so no list of countries has it by accident.
NO_COUNTRY = "001"


@lru_cache(maxsize=_REMEMBERED)
def region(digits: str) -> str | None:
    """Return the country of a number in digits, as an ISO code; none where nobody can have the number."""
    number = _possible(digits)
    if number is None:
        return None
    return phonenumbers.region_code_for_number(number) or _main_region(number.country_code or 0)


@lru_cache(maxsize=_REMEMBERED)
def canonical(digits: str) -> str:
    """Return a number in digits without what is only dialled, such as 0 behind the country; others stay as they are.

    Or who opted out would be reached by another way of writing the same number.
    """
    # Of a sender's letters the library would make digits.
    number = _possible(digits) if digits.isdigit() else None
    if number is None:
        return digits
    return phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")


# Both ask for the same numbers.
@lru_cache(maxsize=_REMEMBERED)
def _possible(digits: str) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def _main_region(country_code: int) -> str:
    """Return the country of a number that is possible and not given out: the main one under its code."""
    return phonenumbers.region_code_for_country_code(country_code) or NO_COUNTRY
