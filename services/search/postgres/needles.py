"""What phrases are to Postgres: pieces of text to look for among words, and a condition that an index answers."""

from collections.abc import Sequence

from services.search.query import Phrase


def needles(phrases: Sequence[Phrase]) -> list[str]:
    """Return what stands in the words of a message, with a blank around them, that has the phrase."""
    return [f" {' '.join(phrase.words)}{'' if phrase.by_beginning else ' '}" for phrase in phrases]


def tsquery(account_id: int, phrases: Sequence[Phrase]) -> str:
    """Return a query for the messages of an account that have all the words of the phrases, wherever they stand."""
    lexemes: dict[str, None] = {}
    for phrase in phrases:
        *whole, last = (f"'{account_id}/{word}'" for word in phrase.words)
        lexemes.update(dict.fromkeys([*whole, f"{last}:*" if phrase.by_beginning else last]))
    return " & ".join(lexemes)
