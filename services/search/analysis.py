"""The words of a text: what the index holds, and what a query asks it for.

A word is a run of letters, digits and their marks, without case and accents; everything else separates. A script that
is written without blanks has pairs of neighbours for words, and the last character of a run by itself: `abc` is
`ab bc c`. So any piece of it is found, and no dictionary cuts a query otherwise than a text. One emoji is one word.
"""

import unicodedata
from collections.abc import Iterator

import regex

# Lucene's whitespace tokenizer cuts at 255 UTF-16 units, in a place of its own.
_LONGEST = 50
# Python orders a run of marks in the square of its length; 30 is what Unicode's stream-safe text allows.
_MOST_MARKS = 30

_LATIN_WORD = regex.compile(rf"[a-z0-9]{{1,{_LONGEST}}}")

_EMOJI = regex.compile(
    r"""(?V1x)
    (
        \p{Regional_Indicator}{2}
      | [0-9\#*]\uFE0F?\u20E3
      | (?: \p{Extended_Pictographic} [\uFE0E\uFE0F\p{Emoji_Modifier}]* [\U000E0020-\U000E007F]* \u200D )*
        \p{Extended_Pictographic} [\uFE0E\uFE0F\p{Emoji_Modifier}]* [\U000E0020-\U000E007F]*
      | \p{Emoji_Modifier}
    )
    """
)
_LOOKS_OF_AN_EMOJI = regex.compile(r"(?V1)(?<!^)[\uFE0E\uFE0F\p{Emoji_Modifier}]")

# Half-width voicing marks are letters until they are normalised.
_MARKS = r"[\p{M}\uFF9E\uFF9F]"
_TOO_MANY_MARKS = regex.compile(rf"(?V1)({_MARKS}{{{_MOST_MARKS}}}){_MARKS}+")
# Inherited are the marks that go with any script; those of kana make another letter.
_ACCENTS = (
    r"[[\p{Mn}\p{Me}]&&[\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Inherited}]"
    r"--[\u3099\u309A]]"
)
# What nobody sees separates nothing: soft hyphens, joiners, marks of direction. Tatweel only stretches an Arabic word.
_UNSEEN = r"[\p{Default_Ignorable_Code_Point}\u0640--\u200B]"
_DROPPED = regex.compile(rf"(?V1){_ACCENTS}|{_UNSEEN}")

_RUNNING = (
    r"[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]"
    r"&&[\p{L}\p{M}\p{N}]]"
)
_RUN = regex.compile(rf"(?V1)({_RUNNING}+)|[\p{{L}}\p{{M}}\p{{N}}--{_RUNNING}]{{1,{_LONGEST}}}")
_ONE_RUNNING = regex.compile(rf"(?V1){_RUNNING}")
# Where such a text may break a line.
_BREAK_IN_RUN = regex.compile(rf"(?V1)(?<={_RUNNING})\u200B+(?={_RUNNING})")

# Letters with a stroke, a hook or a ligature that Unicode takes for no accent, and the apostrophe that is a letter.
_LETTERS = str.maketrans(
    {
        "đ": "d",
        "ð": "d",
        "ɗ": "d",
        "ɓ": "b",
        "ħ": "h",
        "ı": "i",
        "ƙ": "k",
        "ł": "l",
        "ø": "o",
        "ŧ": "t",
        "ƴ": "y",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ʼ": "'",
    }
)


def words(text: str) -> list[str]:
    """Return the words of a text in their order."""
    if text.isascii():
        return _LATIN_WORD.findall(text.lower())
    found: list[str] = []
    for number, part in enumerate(_EMOJI.split(text)):
        if number % 2:
            found.append(_LOOKS_OF_AN_EMOJI.sub("", part)[:_LONGEST])
        elif part:
            found.extend(_plain_words(part))
    return found


def is_running(word: str) -> bool:
    """Tell whether a word is of a script that is written without blanks."""
    return _ONE_RUNNING.match(word) is not None


def is_emoji(word: str) -> bool:
    """Tell whether a word is an emoji."""
    return _EMOJI.fullmatch(word) is not None


def _plain_words(text: str) -> Iterator[str]:
    for found in _RUN.finditer(_folded(text)):
        if found[1]:
            yield from _pairs(found[1])
        else:
            yield found[0]


def _pairs(run: str) -> Iterator[str]:
    for start in range(len(run)):
        yield run[start : start + 2]


def _folded(text: str) -> str:
    """Return a text without case and accents, its letters in one spelling each."""
    text = _TOO_MANY_MARKS.sub(r"\1", text)
    text = _DROPPED.sub("", unicodedata.normalize("NFKD", text)).casefold()
    text = _DROPPED.sub("", unicodedata.normalize("NFKD", text)).translate(_LETTERS)
    # What stood apart may be one letter now.
    return unicodedata.normalize("NFC", _BREAK_IN_RUN.sub("", text))
