"""Numbers of recipients: which could be somebody's, and in which country."""

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException

_REMEMBERED = 10_000
# For numbers of no country, such as satellite phones; it is no ISO code, so no list of countries has it by accident.
NO_COUNTRY = "001"


@lru_cache(maxsize=_REMEMBERED)
def region(digits: str) -> str | None:
    """Return the country of a number in digits, as an ISO code; none where nobody can have the number."""
    try:
        number = phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.region_code_for_number(number) or _main_region(number.country_code or 0)


def _main_region(country_code: int) -> str:
    """Return the country of a number that is possible and not given out: the main one under its code."""
    return phonenumbers.region_code_for_country_code(country_code) or NO_COUNTRY
