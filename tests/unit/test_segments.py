"""Segments: where a text is cut, held against another implementation of GSM's alphabet."""

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.segments import Unsendable, segments

_GSM = gsm0338.Codec()
_TEXTS = st.text(st.sampled_from("aé€[]~ΔÇ\n\r\fäß@ 漢😀ö`\u0301"), max_size=400)


def _septets(text: str) -> int:
    return len(_GSM.encode(text)[0])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("漢" * 70, 1),
        ("漢" * 71, 2),
        ("漢" * 134, 2),
        ("漢" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_how_many_parts(text: str, parts: int) -> None:
    assert len(segments(text).parts) == parts


@given(_TEXTS)
def test_parts_fit_and_make_the_text(text: str) -> None:
    cut = segments(text)
    assert "".join(cut.parts) == cut.text
    several = len(cut.parts) > 1
    if cut.is_gsm:
        assert all(_septets(part) <= (153 if several else 160) for part in cut.parts)
    else:
        assert all(len(part.encode("utf-16-be")) <= (134 if several else 140) for part in cut.parts)


@given(_TEXTS)
def test_the_alphabet_is_gsm_where_it_can_be(text: str) -> None:
    cut = segments(text)
    try:
        _GSM.encode(cut.text)
    except UnicodeError:
        assert not cut.is_gsm
    else:
        assert cut.is_gsm


def test_a_character_and_its_accent_are_composed() -> None:
    assert segments("e\u0301") == segments("é")
    assert segments("e\u0301").is_gsm


def test_ucs2_may_be_asked_for() -> None:
    assert not segments("a" * 71, 2).is_gsm
    assert len(segments("a" * 71, 2).parts) == 2


@pytest.mark.parametrize("text", ["\x1b", "a\x1be", "\ud800"])
def test_what_no_sms_holds(text: str) -> None:
    with pytest.raises(Unsendable):
        segments(text)
