"""The words of a text, in every script and to their edges."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.analysis import words

_FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
_CODER = "\U0001f469\u200d\U0001f4bb"
_ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

TEXTS = st.text(max_size=60) | st.text(
    alphabet="aé ßİ-\"'*東京か\u3099ขา\u200b\u200dक्ش\u064e👩🏽\ufe0f1\u20e3🇦🇹ﷺ½", max_size=30
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" \t\n.,;!", []),
        ("Hello, World!", ["hello", "world"]),
        ("wi-fi snake_case 50% don't", ["wi", "fi", "snake", "case", "50", "don", "t"]),
        ("https://example.org/a?b=24.12.2025", ["https", "example", "org", "a", "b", "24", "12", "2025"]),
        ("Crème brûlée, Ångström, Őz", ["creme", "brulee", "angstrom", "oz"]),
        ("STRASSE Straße STRAẞE", ["strasse"] * 3),
        ("İstanbul ISPARTA ısı", ["istanbul", "isparta", "isi"]),
        ("Đồng Łódź Tromsø Þór Æsir", ["dong", "lodz", "tromso", "thor", "aesir"]),
        ("ΣΊΣΥΦΟΣ Σίσυφος ᾳ", ["σισυφοσ", "σισυφοσ", "α"]),
        ("Ёлка Йод Київ п'ять пʼять", ["елка", "иод", "киів", "п", "ять", "п", "ять"]),
        ("السَّلَامُ كتـــاب", ["السلام", "كتاب"]),
        ("שָׁלוֹם", ["שלום"]),
        ("α\U0001d242 а\u0483 قل\u06d6", ["α", "а", "قل"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("안녕하세요 \u1112\u1161\u11ab", ["안녕하세요", "한"]),
        ("ｆｕｌｌ １２ ﬁne m² №5 ½", ["full", "12", "fine", "m2", "no5", "1", "2"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zero", "width"]),
    ],
)
def test_words_are_letters_and_digits_without_case_and_accents(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("東京都", ["東京", "京都", "都"]),
        ("京", ["京"]),
        ("東京 大阪", ["東京", "京", "大阪", "阪"]),
        ("東京。大阪", ["東京", "京", "大阪", "阪"]),
        ("ラーメンを食べる", ["ラー", "ーメ", "メン", "ンを", "を食", "食べ", "べる", "る"]),
        ("ｶﾞｽ か\u3099", ["ガス", "ス", "が"]),
        ("新しいiPhone15を", ["新し", "しい", "い", "iphone15", "を"]),
        ("ไทย", ["ไท", "ทย", "ย"]),
        ("ຂອບ", ["ຂອ", "ອບ", "ບ"]),
        ("ខ្មែ\u200bរ", ["ខ្", "្ម", "មែ", "ែរ", "រ"]),
        ("မြန်", ["မြ", "ြန", "န်", "်"]),
        ("한국東", ["한국", "東"]),
    ],
)
def test_running_text_is_pairs_and_its_last_character(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ok👍fine", ["ok", "👍", "fine"]),
        ("👍👍🏽👍🏿", ["👍", "👍", "👍"]),
        (f"{_FAMILY}{_CODER}", [_FAMILY, _CODER]),
        ("\U0001f469\U0001f3fd\u200d\U0001f4bb", [_CODER]),
        ("❤\ufe0f ❤ ☀\ufe0e", ["❤", "❤", "☀"]),
        ("🇦🇹🇩🇪", ["🇦🇹", "🇩🇪"]),
        ("1\ufe0f\u20e32\u20e3", ["1\u20e3", "2\u20e3"]),
        (_ENGLAND, [_ENGLAND]),
        ("🏽", ["🏽"]),
        ("Foo™ ℹ\ufe0f", ["foo", "™", "ℹ"]),
        ("😀\u200dx", ["😀", "x"]),
        ("→ € ★", []),
    ],
)
def test_an_emoji_is_a_word_by_itself(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize("letter", ["a", "é", "ж"])
def test_a_long_word_is_several(letter: str) -> None:
    assert [len(each) for each in words(letter * 120)] == [50, 50, 20]
    assert [len(each) for each in words(letter * 50)] == [50]


def test_a_text_of_marks_takes_no_square_of_time() -> None:
    assert len(words("a" + "\u0301\u0316" * 200_000)) == 1
    assert len("".join(words("क" + "\u094d\u093c" * 200_000))) <= 31
    assert len("".join(words("क" + "\uff9e\u093c" * 200_000))) <= 60


@given(TEXTS)
def test_words_of_words_are_the_same(text: str) -> None:
    found = [each for each in words(text) if len(each) != 2]
    assert [word for each in found for word in words(each)] == found


@given(TEXTS)
def test_case_and_the_form_of_letters_change_no_word(text: str) -> None:
    assert words(text.casefold()) == words(text)
    for form in ("NFC", "NFD"):
        assert words(unicodedata.normalize(form, text)) == words(text)


@given(TEXTS, TEXTS)
def test_texts_side_by_side_have_their_words_side_by_side(one: str, other: str) -> None:
    assert words(f"{one} {other}") == words(one) + words(other)


def test_no_word_has_what_a_backend_could_take_for_something_else() -> None:
    everything = "\n".join(map(chr, range(sys.maxunicode + 1)))
    for word in set(words(everything)):
        assert word
        assert len(word) <= 50
        assert not any(each.isspace() or each in "%_'\"`\\" for each in word), ascii(word)
        assert not any(unicodedata.category(each) in ("Cc", "Cs", "Co", "Zs") for each in word), ascii(word)


def test_an_emoji_of_any_length_is_a_word_that_an_index_takes() -> None:
    (word,) = words("\u200d".join(["\U0001f469"] * 300))
    assert len(word) == 50
