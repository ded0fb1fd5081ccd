"""The index on OpenSearch: what it writes and finds, and that it finds what the reference finds."""

import random
from collections.abc import AsyncIterator

import pytest

from deploy.local.servers import Servers
from services.search.analysis import words
from services.search.index import Hit, Version
from services.search.matching import matches
from services.search.opensearch.bulk import IndexRefused
from services.search.query import parse
from tests.integration.fresh_database import fresh_database
from tests.integration.opensearch_rig import ADDRESS, Rig, document, gone, opensearch_rig
from tests.servers import PreparedServer

SHOP = "Fake Shop"


@pytest.fixture(scope="module")
async def rig(servers: Servers, opensearch: PreparedServer) -> AsyncIterator[Rig]:
    """Yield an index of this module; each test takes an account of its own."""
    async with fresh_database(servers) as url, opensearch_rig(url, opensearch.url) as rig:
        yield rig


async def test_a_first_use_needs_no_preparation(rig: Rig) -> None:
    assert await rig.find("wor", account_id=10) == []
    await rig.write(document(1, "Hello world", account_id=10))
    assert await rig.find("wor", account_id=10) == [1]
    assert await rig.find("wor", account_id=11) == []


async def test_the_newest_stand_first_and_pages_go_on_behind_a_hit(rig: Rig) -> None:
    dates = {1: 30, 2: 10, 3: 20, 4: 20, 5: -7}
    await rig.write(*(document(each, "x", account_id=12, date=date) for each, date in dates.items()))
    assert await rig.find(account_id=12) == [1, 4, 3, 2, 5]
    assert await rig.find(account_id=12, most=2) == [1, 4]
    assert await rig.find(account_id=12, most=2, after=Hit(20, 4)) == [3, 2]
    assert await rig.find(account_id=12, after=Hit(10, 2)) == [5]


async def test_an_address_is_compared_exactly_and_locked_restricts(rig: Rig) -> None:
    await rig.write(
        document(1, "red", account_id=13, locked=True),
        document(2, "red", account_id=13, address=SHOP),
        document(3, "red", account_id=13, address="X" * 255, locked=True),
    )
    assert await rig.find("red", account_id=13, address=SHOP) == [2]
    assert await rig.find("red", account_id=13, address=SHOP.lower()) == []
    assert await rig.find("red", account_id=13, address="X" * 255) == [3]
    assert await rig.find("", account_id=13, locked=True) == [3, 1]
    assert await rig.find("red", account_id=13, locked=True, address=ADDRESS) == [1]


async def test_an_older_state_never_overwrites_a_newer_one(rig: Rig) -> None:
    await rig.write(document(1, "new", seq=5, account_id=14), document(2, "new", seq=5, account_id=14))
    await rig.write(document(1, "old", seq=4, account_id=14), gone(2, 4, account_id=14))
    assert await rig.find("new", account_id=14) == [2, 1]
    assert await rig.find("old", account_id=14) == []
    await rig.write(document(1, "newer", seq=6, account_id=14), gone(2, 6, account_id=14))
    assert await rig.find("new*", account_id=14) == [1]


async def test_what_is_gone_does_not_come_back(rig: Rig) -> None:
    await rig.write(document(1, "here", seq=1, account_id=15))
    await rig.write(gone(1, 3, account_id=15), gone(2, 3, account_id=15))
    await rig.write(document(1, "here", seq=2, account_id=15), document(2, "here", seq=2, account_id=15))
    assert await rig.find(account_id=15) == []
    settings = await rig.client.call("GET", f"/{rig.generations.alias}/_settings", timeout=5)
    assert [each["settings"]["index"]["gc_deletes"] for each in settings.values()] == ["1h"]


async def test_only_the_change_that_cannot_be_written_fails(rig: Rig) -> None:
    bad = document(2, "bad", account_id=16)._replace(message_id=2**40)
    with pytest.raises(IndexRefused) as refused:
        await rig.write(document(1, "good", account_id=16), bad, document(3, "good", account_id=16))
    assert str(refused.value) == "mapper_parsing_exception"
    await rig.refresh()
    assert await rig.find(account_id=16) == [3, 1]


async def test_large_writes_go_in_parts(rig: Rig) -> None:
    text = "word " * 200_000
    await rig.write(*(document(each, text, account_id=17) for each in range(1, 7)))
    assert len(await rig.find("word", account_id=17)) == 6


async def test_versions_come_in_the_order_of_keys(rig: Rig) -> None:
    keys = [(90, 2), (90, 10), (100, 1), (1000, 1), (2**62, 3)]
    await rig.write(*(document(message_id, "x", seq=7, account_id=account) for account, message_id in keys))
    await rig.write(document(9, "x", seq=7, account_id=95), gone(9, 8, account_id=95))
    expected = [Version(*key, 7) for key in keys]
    assert await rig.index.versions((89, 5), 100, timeout=5) == expected
    assert await rig.index.versions((90, 2), 2, timeout=5) == expected[1:3]
    assert await rig.index.versions((90, 10), 100, timeout=5) == expected[2:]
    assert await rig.index.versions((2**62, 3), 100, timeout=5) == []


async def test_an_account_is_forgotten_whole_and_alone(rig: Rig) -> None:
    await rig.write(*(document(each, "x", account_id=18) for each in range(1, 30)), document(1, "x", account_id=180))
    await rig.index.write([document(30, "not refreshed yet", account_id=18)], timeout=5)
    assert await rig.index.forget(18, timeout=20) == 30
    await rig.write(document(1, "late", account_id=18))
    assert await rig.find(account_id=18) == []
    assert await rig.find(account_id=180) == [1]
    assert await rig.index.forget(18, timeout=20) == 0


async def test_nothing_of_an_erased_account_stays(rig: Rig) -> None:
    """The mailbox was read before, and the index forgot the account before it was written."""
    await rig.database.fetch("insert into erased_account (account_id) values (22)", timeout=5)
    await rig.write(document(1, "erased", account_id=22), document(1, "there", account_id=23))
    assert await rig.find(account_id=22) == []
    assert await rig.find(account_id=23) == [1]


async def test_a_beginning_of_any_length_finds_all_its_words(rig: Rig) -> None:
    await rig.write(*(document(each, f"order beginning{each:04d}", account_id=19) for each in range(3000)))
    for query in ("be", "beginnin", "beginning", '"order" beginning', "order-be", "order-beginning"):
        assert len(await rig.find(query, account_id=19, most=5000)) == 3000, query
    assert len(await rig.find("order-beginning01", account_id=19, most=5000)) == 100


async def test_a_query_may_have_thousands_of_words(rig: Rig) -> None:
    many = [f"w{number}" for number in range(1400)]
    await rig.write(
        document(1, " ".join(many), account_id=20),
        document(2, " ".join(many[:-1]), account_id=20),
        *(document(each, " ".join(many[:-1]), account_id=20) for each in range(3, 8)),
        document(8, " ".join(many), account_id=20),
    )
    query = " ".join(many)
    assert await rig.find(query, account_id=20) == [8, 1]
    assert await rig.find(query, account_id=20, most=1) == [8]
    assert await rig.find(query, account_id=20, most=1, after=Hit(8, 8)) == [1]
    assert await rig.find(f"w1 {' '.join(f'-{word}' for word in many[1398:])}", account_id=20) == []
    assert await rig.find("-".join(many), account_id=20) == [8, 1]
    assert await rig.find("-".join(many)[:-1], account_id=20) == [8, 1]
    assert await rig.find("-".join(reversed(many)), account_id=20) == []
    refused = " ".join(f"-x{number}" for number in range(1600))
    assert len(await rig.find(refused, account_id=20)) == 8


# Few letters, so that words meet; of every kind that words are made of.
LETTERS = ["a", "b", "A", "é", "e", "ß", "1", "0", " ", " ", " ", "-", ".", "ж", "Ё", "東", "京", "か", "ไ", "ท", "ย",
           "한", "국", "ع", "𐌰", "𐌱", "𠀀", "👍", "👍🏽", "👩‍👩‍👧", "🇦🇹", "क", "ि", "\n", "_"]  # fmt: skip


def _text(dice: random.Random, most: int, extra: str = "") -> str:
    return "".join(dice.choice([*LETTERS, *extra]) for _ in range(dice.randint(1, most)))


async def test_it_finds_what_the_reference_finds(rig: Rig) -> None:
    dice = random.Random(20)
    texts = [_text(dice, dice.choice([4, 12, 60])) for _ in range(400)]
    await rig.write(*(document(number, text, account_id=21) for number, text in enumerate(texts)))
    words_of = [words(text) for text in texts]
    telling = 0
    for _ in range(400):
        query = _text(dice, dice.choice([2, 4, 8]), '""**-')
        expected = [number for number, found in enumerate(words_of) if matches(parse(query), found)]
        if not parse(query).is_empty:
            found = await rig.find(query, account_id=21, most=2000)
            if not rig.index.is_exact(parse(query)):
                found = [number for number in found if matches(parse(query), words_of[number])]
            assert found == expected[::-1], query
        telling += 0 < len(expected) < len(texts)
    assert telling > 150
