"""Rules on single fields: a request that breaks one is answered with code 2."""

from shared.contract import dates
from shared.contract.shape import Rule

_YEAR_AHEAD = 366 * 86_400_000
_MSISDN_GREATEST = 999_999_999_999_999


def not_negative(number: int) -> bool:
    """Whether the number is 0 or more."""
    return number >= 0


def msisdn(number: int) -> bool:
    """Whether the number has 1 to 15 digits, as E.164 numbers have."""
    return 1 <= number <= _MSISDN_GREATEST


def day_within_a_year(milliseconds: int | None) -> bool:
    """Whether the date is absent, past or at most 366 days ahead."""
    return milliseconds is None or milliseconds <= dates.now() + _YEAR_AHEAD


def characters(limit: int) -> Rule:
    """Return a rule for a text of at most `limit` code points."""

    def holds(text: str | None) -> bool:
        return text is None or len(text) <= limit

    return holds
