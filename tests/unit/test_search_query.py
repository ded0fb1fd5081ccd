"""What queries ask for, and which texts they find."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.search.analysis import words
from services.search.matching import matches
from services.search.query import Phrase, parse
from tests.unit.test_search_words import TEXTS

_WORD = st.text(alphabet="abcäßжκ19", min_size=1, max_size=6)
_RUN = st.text(alphabet="東京都のラー人ไทย", min_size=1, max_size=6)


def finds(query: str, text: str) -> bool:
    return matches(parse(query), words(text))


def whole(*found: str) -> Phrase:
    return Phrase(found, by_beginning=False)


def beginning(*found: str) -> Phrase:
    return Phrase(found, by_beginning=True)


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        ("red", [beginning("red")], []),
        ("  Red\tRÉD red* (red) red?~^: ", [beginning("red")], []),
        ("red AND blue OR", [beginning("red"), beginning("and"), beginning("blue"), beginning("or")], []),
        ('"red"', [whole("red")], []),
        ('"red blue"', [whole("red", "blue")], []),
        ('red "blue green', [beginning("red"), whole("blue", "green")], []),
        ('"red*"', [whole("red")], []),
        ('"red"blue', [whole("red"), beginning("blue")], []),
        ('red"blue"', [beginning("red"), whole("blue")], []),
        ("-red", [], [whole("red")]),
        ("-red*", [], [beginning("red")]),
        ("--red", [], [whole("red")]),
        ('-"red blue"', [], [whole("red", "blue")]),
        ('--"red blue"', [], [whole("red", "blue")]),
        ('-"red blue', [], [whole("red", "blue")]),
        ("-wi-fi", [], [whole("wi", "fi")]),
        ("-wi-fi*", [], [beginning("wi", "fi")]),
        ("red - blue", [beginning("red"), beginning("blue")], []),
        ('"red"-blue', [whole("red"), beginning("blue")], []),
        ("(-red)", [beginning("red")], []),
        ("wi-fi", [beginning("wi", "fi")], []),
        ("re*d", [beginning("re", "d")], []),
        ("*red", [beginning("red")], []),
        ("red\u3000-blue", [beginning("red")], [whole("blue")]),
        ("東京", [whole("東京")], []),
        ("東京都", [whole("東京", "京都")], []),
        ("東", [beginning("東")], []),
        ('"東"', [beginning("東")], []),
        ("-東 -東京", [], [beginning("東"), whole("東京")]),
        ("東京x", [beginning("東京", "京", "x")], []),
        ('"東京 京"', [beginning("東京", "京", "京")], []),
        ('"東京 大阪"', [whole("東京", "京", "大阪")], []),
        ("x東", [beginning("x", "東")], []),
        ("👍", [whole("👍")], []),
        ("👍🏽 👍", [whole("👍")], []),
        ("ok👍", [whole("ok", "👍")], []),
        ("-👍*", [], [whole("👍")]),
        ("a" * 60, [beginning("a" * 50, "a" * 10)], []),
    ],
)
def test_a_query_is_phrases(query: str, wanted: list[Phrase], unwanted: list[Phrase]) -> None:
    assert parse(query) == (tuple(wanted), tuple(unwanted))


@pytest.mark.parametrize("query", ["", " ", "-", "*", '""', '"', '-"', "-*", "- *", "→ € ()", '"-"', "\u0301"])
def test_a_query_without_a_word_is_empty_and_finds_nothing(query: str) -> None:
    assert parse(query).is_empty
    assert not finds(query, "red")
    assert not finds(query, "")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("araby", "ArabyDeals"),
        ("blue red", "red and blue"),
        ('"and blue"', "Red, and BLUE!"),
        ("example.or", "see http://www.example.org/x"),
        ("-green", "red"),
        ("-green", ""),
        ("-re", "red"),
        ('-"blue red"', "red blue"),
        ("京", "東京"),
        ("東", "東京"),
        ("京都", "東京都"),
        ('"京都"', "東京都庁"),
        ("京x", "東京X"),
        ("a" * 60, "a" * 100),
    ],
)
def test_found(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("deals", "ArabyDeals"),
        ("red green", "red and blue"),
        ('"re"', "red"),
        ('"blue red"', "red blue"),
        ('"red blue"', "red and blue"),
        ("example.or", "example and org"),
        ("-red", "RED"),
        ("red -blue", "red blue"),
        ("-re*", "red"),
        ("東都", "東京都"),
        ("東京x", "東京都x"),
        ('"東京 x"', "東京都 x"),
        ("-京", "東京"),
        ("👩", "\U0001f469\u200d\U0001f4bb"),
        ("a" * 60, "a" * 55),
    ],
)
def test_not_found(query: str, text: str) -> None:
    assert not finds(query, text)


@given(TEXTS, TEXTS)
def test_every_text_is_a_query(query: str, text: str) -> None:
    asked = parse(query)
    assert all(each.words for each in asked.wanted + asked.unwanted)
    assert matches(asked, words(text)) in (True, False)
    assert not (matches(asked, words(text)) and asked.is_empty)


@given(TEXTS)
@example("か\u200b\u3099")
def test_a_text_is_found_by_each_of_its_words_and_by_itself(text: str) -> None:
    found = words(text)
    assert all(finds(each, text) for each in found)
    assert all(finds(f'"{each}"', text) for each in found)
    assert not any(finds(f"-{each}", text) for each in found)
    assert finds('"' + text.replace('"', " ") + '"', text) or not found


@given(st.lists(_WORD | _RUN, min_size=1, max_size=6), st.data())
def test_words_in_a_row_are_a_phrase_and_a_beginning_finds_its_word(row: list[str], data: st.DataObject) -> None:
    text = " ".join(row)
    first = data.draw(st.integers(0, len(row) - 1))
    last = data.draw(st.integers(first + 1, len(row)))
    assert finds('"' + " ".join(row[first:last]) + '"', text)
    cut = data.draw(st.integers(1, len(row[first])))
    assert finds(row[first][:cut], text)
    assert not finds(f"-{row[first][:cut]}*", text)


@given(_RUN, _RUN, _RUN)
def test_every_piece_of_running_text_finds_it_and_no_other_piece_does(before: str, piece: str, behind: str) -> None:
    assert finds(piece, before + piece + behind)
    assert finds(piece, behind) == (piece in behind)
    assert finds(f'"{piece}"', behind) == (piece in behind)
    assert finds(f"-{piece}", behind) == (piece not in behind)


@given(_WORD, st.lists(_WORD | _RUN, max_size=4))
def test_quotes_mean_the_whole_word_and_a_minus_the_opposite(word: str, row: list[str]) -> None:
    text = " ".join(row)
    assert finds(f'"{word}"', text) == (words(word)[0] in words(text))
    assert finds(f"-{word}", text) is not finds(f'"{word}"', text)
    assert finds(f'-"{word}"', text) is not finds(f'"{word}"', text)
    assert finds(f"-{word}*", text) is not finds(word, text)
    assert finds(f"{word}*", text) is finds(word, text)
    assert finds(f"{word} -{word}*", text) is False


@given(st.lists(_WORD | _RUN, min_size=1, max_size=4), TEXTS)
def test_all_terms_must_hold_in_any_order(terms: list[str], text: str) -> None:
    each = [finds(term, text) for term in terms]
    assert finds(" ".join(terms), text) is all(each)
    assert finds(" ".join(reversed(terms)), text) is all(each)
