"""Opt-out: which texts are such words, and that they are kept before their message."""

from typing import Any

import pytest

from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt
from services.delivery.opt_out import HearingOptOuts, OptOutWords
from shared.contract import dates

INBOUND = Inbound("one", "id", "436990000002", "436990000001", "stop", 7)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", True),
        (" stop.\n", True),
        ("Stop!", True),
        ("“stop”", True),
        ("\uff33\uff34\uff2f\uff30", True),
        ("Arrêt", True),
        ("ARRE\u0302T", True),
        ("StopAll", True),
        ("OptOut", True),
        ("unsubscribe", True),
        ("start", False),
        ("UNSTOP", False),
        ("stop it", None),
        ("please stop", None),
        ("abmelden", None),
        ("", None),
        ("!", None),
        ("stop" + " " * 50, True),
        ("stop" * 50, None),
    ],
)
def test_what_a_text_means(text: str, meaning: bool | None) -> None:  # noqa: FBT001 - it is the value
    assert OptOutWords().meaning(text) is meaning


def test_languages_and_words_of_ones_own() -> None:
    words = OptOutWords(languages=("de",), stop=("Genug!",), start=("Doch",))
    texts = ("abmelden", "genug", "doch", "stop")
    assert [words.meaning(each) for each in texts] == [True, True, False, None]


class Kept:
    """Keeps in which order what was kept; fails at opt-outs when told."""

    def __init__(self) -> None:
        self.order: list[Any] = []
        self.broken = False

    async def set_opt_out(self, own_number: str, number: str, *, out: bool, at: int) -> None:
        if self.broken:
            raise OSError
        self.order.append((own_number, number, out, at))

    async def receipt(self, receipt: Receipt) -> None:
        self.order.append(receipt)

    async def inbound(self, inbound: Inbound) -> None:
        self.order.append(inbound)

    async def part(self, part: InboundPart) -> None:
        self.order.append(part)


async def test_an_opt_out_is_kept_before_its_message() -> None:
    kept = Kept()
    hearing = HearingOptOuts(kept, kept, OptOutWords)
    await hearing.inbound(INBOUND)
    assert kept.order == [("436990000001", "436990000002", True, 7), INBOUND]


async def test_a_carrier_whose_clock_is_fast_undoes_nothing_that_is_said_later() -> None:
    kept = Kept()
    await HearingOptOuts(kept, kept, OptOutWords).inbound(INBOUND._replace(at=dates.now() + 80_000_000))
    assert kept.order[0][3] <= dates.now()


async def test_a_message_about_something_else_opts_nothing() -> None:
    kept = Kept()
    await HearingOptOuts(kept, kept, OptOutWords).inbound(INBOUND._replace(text="hello"))
    assert kept.order == [INBOUND._replace(text="hello")]


async def test_a_message_whose_opt_out_is_not_kept_comes_again() -> None:
    kept = Kept()
    kept.broken = True
    with pytest.raises(OSError):  # noqa: PT011 - it has no text
        await HearingOptOuts(kept, kept, OptOutWords).inbound(INBOUND)
    assert kept.order == []
