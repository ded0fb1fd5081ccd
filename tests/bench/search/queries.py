"""What is searched for: a mix of queries, each of which some message answers."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench.search.mailboxes import ACCOUNTS, Text

QUERIES = 2_000
LIMIT = 20
# So many of a hundred queries go to the large account.
_LARGE_PERCENT = 10
_SEED = 21
_BEGINNING = 4
_KINDS = ("beginning", "two words", "phrase", "without", "in a conversation")
_WEIGHTS = (40, 25, 15, 10, 10)


class Asked(NamedTuple):
    """A query of an account, counted from 0, within a conversation if there is an address."""

    account: int
    query: str
    address: str | None


def mix(sample: Sequence[Text]) -> list[Asked]:
    """Return queries for words of messages that are there."""
    dice = random.Random(_SEED)
    large = [text for text in sample if text.account == ACCOUNTS]
    small = [text for text in sample if text.account != ACCOUNTS]
    kinds = dice.choices(_KINDS, _WEIGHTS, k=QUERIES)
    return [_asked(kind, dice.choice(large if dice.randrange(100) < _LARGE_PERCENT else small), dice) for kind in kinds]


def _asked(kind: str, text: Text, dice: random.Random) -> Asked:
    at = dice.randrange(len(text.words) - 1)
    first, second = text.words[at : at + 2]
    query = {
        "two words": f"{first} {second}",
        "phrase": f'"{first} {second}"',
        "without": f"{first} -{second}x",
    }.get(kind, first[:_BEGINNING])
    return Asked(text.account, query, text.address if kind == "in a conversation" else None)
