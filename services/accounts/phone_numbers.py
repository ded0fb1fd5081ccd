"""Phone numbers as people write them, read as `+digits`."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

_SHORT_CODE_DIGITS = 6


class NationalNumber(ValueError):  # noqa: N818 - it is what was found
    """The number has no country code, and nothing says which country is meant."""


def region(country_code: int) -> str | None:
    """Return the region that writes national numbers under this country code, or none where there is none."""
    found = phonenumbers.region_code_for_country_code(country_code)
    return found if found in phonenumbers.SUPPORTED_REGIONS else None


def region_of(msisdn: str) -> str | None:
    """Return the region of a number's digits."""
    try:
        return region(phonenumbers.parse(f"+{msisdn}").country_code or 0)
    except NumberParseException:
        return None


def plus_digits(text: str, home: str | None) -> str | None:
    """Return the number as `+digits`, or none where the text is none, or a short code; raise `NationalNumber`.

    A number without a country code is read as people in the region `home` dial it.
    """
    try:
        number = phonenumbers.parse(text, home)
    except NumberParseException as error:
        national = error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.lstrip().startswith("+")
        if home is None and national and sum(map(str.isdigit, text)) > _SHORT_CODE_DIGITS:
            raise NationalNumber("no country code") from None
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    # Short codes are as long as some numbers; with a country code they would be somebody else's.
    if sum(map(str.isdigit, text)) <= _SHORT_CODE_DIGITS and not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
