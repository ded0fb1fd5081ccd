"""Opt-out: a number that answers STOP gets nothing more from the number that it answered, until it says START."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from pydantic import field_validator

from services.delivery.carriers.carrier import Arrivals, Inbound, InboundPart, Receipt
from services.delivery.carriers.options import Table
from shared.contract import dates


class _Words(NamedTuple):
    stop: tuple[str, ...]
    start: tuple[str, ...]


# What carriers and their customers expect, and the same in other languages. Each is the whole message, so that a
# sentence with such a word in it stops nothing.
LANGUAGES: Mapping[str, _Words] = {
    "en": _Words(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT"), ("START", "UNSTOP")),
    "fr": _Words(("ARRET", "DESABONNER"), ("REPRENDRE",)),
    "de": _Words(("STOPP", "ABMELDEN", "ABBESTELLEN"), ("ANMELDEN",)),
    "es": _Words(("ALTO", "BAJA"), ("ALTA",)),
    "it": _Words(("FERMA", "DISISCRIVIMI"), ("INIZIA",)),
    "nl": _Words(("STOPPEN", "AFMELDEN"), ("AANMELDEN",)),
    "pt": _Words(("PARAR", "SAIR"), ("COMECAR",)),
    "pl": _Words(("WYPISZ",), ("ZAPISZ",)),
    "sv": _Words(("STOPPA", "AVSLUTA"), ("STARTA",)),
}
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_LONGEST = 40


class OptOutWords(Table):
    """The words, by language, and those that are added; `languages` of none and no added words switch it off."""

    languages: tuple[str, ...] = ("en", "fr")
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()

    @field_validator("languages")
    @classmethod
    def _known(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted({*languages} - LANGUAGES.keys())
        if unknown:
            raise ValueError(f"no words for {', '.join(unknown)}; there are {', '.join(LANGUAGES)}")
        return languages

    def meaning(self, text: str) -> bool | None:
        """Return whether a text opts out (true) or back in (false), or none where it is about something else."""
        word = _plain(text)
        if not word:
            return None
        if word in {_plain(each) for each in (*self.stop, *self._of_languages(0))}:
            return True
        return False if word in {_plain(each) for each in (*self.start, *self._of_languages(1))} else None

    def _of_languages(self, which: int) -> tuple[str, ...]:
        return tuple(word for language in self.languages for word in LANGUAGES[language][which])


def _plain(text: str) -> str:
    """Return a word without case, accents and what stands around it; nothing for a longer text."""
    short = text.strip()
    if len(short) > _LONGEST:
        return ""
    apart = unicodedata.normalize("NFKD", _AROUND.sub("", short).casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


class OptOuts(Protocol):
    """Where opt-outs are kept."""

    async def set_opt_out(self, own_number: str, number: str, *, out: bool, at: int) -> None: ...


class HearingOptOuts:
    """Arrivals that keep an opt-out before the message that said it, so before the carrier is answered."""

    def __init__(self, arrivals: Arrivals, opt_outs: OptOuts, words: Callable[[], OptOutWords]) -> None:
        self._arrivals = arrivals
        self._opt_outs = opt_outs
        self._words = words

    async def receipt(self, receipt: Receipt) -> None:
        await self._arrivals.receipt(receipt)

    async def inbound(self, inbound: Inbound) -> None:
        """Keep what it opts, then the message itself."""
        out = self._words().meaning(inbound.text)
        if out is not None:
            # A carrier whose clock is fast would else undo what is said after it.
            at = min(inbound.at, dates.now())
            await self._opt_outs.set_opt_out(inbound.destination, inbound.sender, out=out, at=at)
        await self._arrivals.inbound(inbound)

    async def part(self, part: InboundPart) -> None:
        await self._arrivals.part(part)
