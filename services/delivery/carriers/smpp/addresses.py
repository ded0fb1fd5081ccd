"""Addresses: how senders and recipients are written on the wire, and read from it."""

from services.delivery.carriers.smpp.codec import Address
from services.delivery.numbers import canonical

_SHORT_CODE_DIGITS = 6
_INTERNATIONAL = 1
_ALPHANUMERIC = 5
_LONGEST = 64
_NOBODY = (0, 0)

# A type (TON) and a plan (NPI).
Plan = tuple[int, int]


def source(sender: str, numeric: Plan, short: Plan, alphanumeric: Plan) -> Address:
    """Return a sender, typed by its form."""
    if not sender:
        return Address(sender, *_NOBODY)
    if not _is_digits(sender):
        return Address(sender, *alphanumeric)
    return Address(sender, *(short if len(sender) <= _SHORT_CODE_DIGITS else numeric))


def number(address: Address) -> str:
    """Return what an address says in the one form of a number, names as they are."""
    text = address.digits.strip()[:_LONGEST]
    digits = text.removeprefix("+")
    if address.ton == _ALPHANUMERIC or not _is_digits(digits):
        return text
    if digits == text and address.ton != _INTERNATIONAL:
        # Dialled from abroad: no country's code begins with 0.
        digits = digits.removeprefix("00")
    return canonical(digits)


def recipient(address: Address) -> str | None:
    """Return the number that a receipt is about, or none where it is written as only its country reads it."""
    digits = number(address)
    is_whole = _is_digits(digits) and len(digits) > _SHORT_CODE_DIGITS and not digits.startswith("0")
    return digits if is_whole else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
