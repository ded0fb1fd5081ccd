"""Senders: whom a message may come from in which country; many countries take only senders that were registered."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, Field, model_validator

from services.delivery.carriers.options import SENDER, Table
from services.delivery.numbers import canonical

_SHORT_CODE_DIGITS = 6

Kind = Literal["numeric", "short", "alphanumeric"]


def _known(countries: frozenset[str]) -> frozenset[str]:
    unknown = sorted(countries - SUPPORTED_REGIONS)
    if unknown:
        raise ValueError(f"no country {', '.join(unknown)}; codes are such as AT")
    return countries


# ISO codes such as AT.
Countries = Annotated[frozenset[str], AfterValidator(_known)]


class Senders(Table):
    """The only senders of messages to these countries; without countries, to all that no other entry has."""

    countries: Countries = frozenset()
    kinds: frozenset[Kind] = frozenset()
    names: frozenset[Annotated[str, Field(pattern=SENDER)]] = frozenset()

    def allows(self, sender: str) -> bool:
        """Whether a sender is of one of the kinds, or one of the names as it is written there."""
        return _kind(sender) in self.kinds or canonical(sender) in map(canonical, self.names)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.kinds and not self.names:
            raise ValueError("neither kinds nor names; to send nothing, leave the country out of guards.countries")
        return self


def each_once(senders: tuple[Senders, ...]) -> tuple[Senders, ...]:
    """Raise `ValueError` where two entries are for one country, or for all others."""
    countries = [country for each in senders for country in sorted(each.countries) or [""]]
    twice = sorted({country for country in countries if countries.count(country) > 1})
    if twice:
        raise ValueError(f"two for {', '.join(country or 'all other countries' for country in twice)}")
    return senders


def may_send(senders: Sequence[Senders], sender: str, country: str) -> bool:
    """Whether messages to a country may come from a sender; all may where no entry is for it."""
    entry = next((each for each in senders if country in each.countries), None)
    entry = entry or next((each for each in senders if not each.countries), None)
    return entry is None or entry.allows(sender)


def _kind(sender: str) -> Kind | None:
    if not sender:
        return None
    if not (sender.isascii() and sender.isdigit()):
        return "alphanumeric"
    return "short" if len(sender) <= _SHORT_CODE_DIGITS else "numeric"
