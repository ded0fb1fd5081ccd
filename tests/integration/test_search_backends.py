"""A search finds the same on each backend, whatever other accounts have written."""

import random

from services.search.analysis import words
from services.search.matching import matches
from services.search.query import parse
from tests.integration.index_rig import ACCOUNT, IndexRig, document
from tests.integration.mailbox_rig import message

# More than OpenSearch was ever asked to try.
OTHERS = 10_050

FOUND = {
    "beginning": [4, 3, 2, 1],
    "beginningz": [4, 3, 1],
    "order-beginning": [4, 2, 1],
    "order-beginningz": [4, 1],
    'order-beginning "beginningzz"': [4, 1],
    "-order-beginningz*": [5, 3, 2],
    "-beginningz*": [5, 2],
    "beginning -order-beginning*": [3],
    "order-beginningzzz": [],
}


async def store(backend: IndexRig, *bodies: str) -> None:
    """Store messages and let the index know of them."""
    await backend.rig.insert(*(message(ACCOUNT, body=body) for body in bodies))
    await backend.indexed(ACCOUNT)
    await backend.refresh()


async def test_words_of_others_hide_nothing(backend: IndexRig) -> None:
    # In the order of words and of time they stand before the account's own.
    others = [document(each, f"order beginninga{each} beginningz{each}", account_id=8) for each in range(OTHERS)]
    await backend.index.write(others, timeout=60)
    await backend.refresh()
    await store(backend, "order beginningzz", "order beginning", "beginningzz", "x order beginningzz y", "x")
    for query, expected in FOUND.items():
        assert sorted(await backend.found(ACCOUNT, query), reverse=True) == expected, query


async def test_long_words_in_phrases_are_found_as_by_the_reference(backend: IndexRig) -> None:
    dice = random.Random(7)
    vocabulary = [f"beginning{letter}" for letter in ("", "a", "ab", "b")] + ["beginnin", "x", "𐌰𐌱𐌰𐌱𐌰", "𐌰𐌱𐌰𐌱"]
    texts = [" ".join(dice.choices(vocabulary, k=dice.randint(1, 6))) for _ in range(200)]
    await store(backend, *texts)
    for _ in range(150):
        query = dice.choice(["", "-", '"']) + dice.choice("- ").join(dice.choices(vocabulary, k=2)) + dice.choice("* ")
        expected = [number for number, text in enumerate(texts, 1) if matches(parse(query), words(text))]
        assert sorted(await backend.found(ACCOUNT, query, limit=1000)) == expected, query


async def test_what_only_looks_like_a_match_takes_no_place_in_an_answer(backend: IndexRig) -> None:
    await store(backend, "order beginningzz", *["order beginningx beginningzz"] * 120, "beginningzz")
    assert await backend.found(ACCOUNT, "order-beginningz", limit=1) == [1]
    assert await backend.found(ACCOUNT, "beginningx -order-beginningx*") == []
    assert await backend.found(ACCOUNT, "-order-beginningx*", limit=1) == [122]
    assert await backend.found(ACCOUNT, "-order-beginningx*", limit=2) == [122, 1]


async def test_long_texts_decide_in_parts(backend: IndexRig) -> None:
    await store(backend, *(f"{'x ' * 450_000} order beginning{number}" for number in range(7)))
    assert await backend.found(ACCOUNT, "order-beginning3") == [4]
    assert sorted(await backend.found(ACCOUNT, "order-beginning")) == [1, 2, 3, 4, 5, 6, 7]
