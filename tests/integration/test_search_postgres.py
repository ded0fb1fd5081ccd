"""The index in Postgres finds what the reference finds, and takes changes in any order."""

import itertools
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from deploy.local.servers import Servers
from services.search.index import Document, Gone, Hit, Version, Wanted
from services.search.postgres.index import PostgresIndex
from services.search.postgres.tidying import Tidying
from services.search.query import Query, parse
from shared.postgres.errors import DatabaseError
from shared.postgres.migrate import migrate
from shared.postgres.pool import Database
from tests.integration.fresh_database import fresh_database
from tests.integration.search_examples import MESSAGES, QUERIES, SECONDS, assert_found, document

EVERYTHING = Query((), ())
accounts = itertools.count(1)

_MANY = """
select search_write(
  array_agg($1::bigint), array_agg(n), array_agg(n::bigint), array_agg(n::bigint), array_agg(text 'x'),
  array_agg(false), array_agg(case n when 1 then 'seldom' else 'word ' || n end)
) from generate_series(1, 5000) as n
"""
_FIND = "select from search_find($1::bigint, null, false, 9000, 9000, 100, '{}', array[$2::text], ($3::text)::tsquery)"


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with fresh_database(servers) as url:
        await migrate(url, after=True)
        async with Database(url, 4, name="search-test") as database:
            yield database


@pytest.fixture
def index(database: Database) -> PostgresIndex:
    return PostgresIndex(database)


async def _found(index: PostgresIndex, account_id: int, query: str | Query, most: int = 100) -> list[int]:
    parsed = parse(query) if isinstance(query, str) else query
    wanted = Wanted(account_id, parsed, None, locked=False)
    return [hit.message_id for hit in await index.find(wanted, None, most, timeout=SECONDS)]


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES, queries=QUERIES)
async def test_it_finds_what_the_reference_finds(
    index: PostgresIndex, messages: list[tuple[str, str, bool]], queries: list[tuple[str, str | None, bool]]
) -> None:
    await assert_found(index, next(accounts), messages, queries)


async def test_an_older_change_never_overwrites_a_newer_one(index: PostgresIndex) -> None:
    account_id = next(accounts)
    await index.write([document(account_id, 1, "new", change_seq=7)], timeout=SECONDS)
    await index.write([document(account_id, 1, "old", change_seq=6)], timeout=SECONDS)
    await index.write([Gone(account_id, 1, 5)], timeout=SECONDS)
    assert await _found(index, account_id, "new") == [1]
    await index.write([Gone(account_id, 1, 8)], timeout=SECONDS)
    assert await _found(index, account_id, EVERYTHING) == []
    await index.write([document(account_id, 1, "new", change_seq=7)], timeout=SECONDS)
    assert await _found(index, account_id, EVERYTHING) == []


async def test_the_same_change_is_written_again(index: PostgresIndex) -> None:
    """A rebuild does so, when the words of a text are others than they were."""
    account_id = next(accounts)
    await index.write([document(account_id, 1, "before")], timeout=SECONDS)
    await index.write([document(account_id, 1, "after")], timeout=SECONDS)
    assert await _found(index, account_id, "after") == [1]
    assert await _found(index, account_id, "before") == []


async def test_pages_go_on_behind_the_last_hit(index: PostgresIndex) -> None:
    account_id = next(accounts)
    dates = [5, 5, 5, 9, 1, 5, 5]
    documents = [document(account_id, nth, "word", date_sent=date) for nth, date in enumerate(dates, 1)]
    await index.write(documents, timeout=SECONDS)
    await index.write([Gone(account_id, 6, 8)], timeout=SECONDS)
    await index.write([document(account_id, 2, "other", change_seq=9, date_sent=5)], timeout=SECONDS)
    for query, expected in ((parse("wor"), [4, 7, 3, 1, 5]), (EVERYTHING, [4, 7, 3, 2, 1, 5])):
        wanted = Wanted(account_id, query, None, locked=False)
        found: list[Hit] = []
        while page := await index.find(wanted, found[-1] if found else None, 2, timeout=SECONDS):
            assert len(page) <= 2
            found += page
        assert [hit.message_id for hit in found] == expected


async def test_accounts_do_not_see_each_other(index: PostgresIndex) -> None:
    ones, others = next(accounts), next(accounts)
    await index.write([document(ones, 1, "word"), document(others, 2, "word")], timeout=SECONDS)
    assert await _found(index, ones, "word") == [1]
    assert await _found(index, others, EVERYTHING) == [2]


async def test_the_longest_text_is_found_by_all_of_its_words(index: PostgresIndex, database: Database) -> None:
    account_id = next(accounts)
    text = " ".join(f"word{number}" for number in range(150_000))
    short = " ".join(f"word{number}" for number in range(30_000))
    await index.write([document(account_id, 1, text), document(account_id, 2, short)], timeout=SECONDS)
    lexemes = "select message_id from search_document where account_id = $1 and lexemes is null"
    assert [row["message_id"] for row in await database.fetch(lexemes, account_id, timeout=SECONDS)] == [1]
    assert await _found(index, account_id, '"word149998 word149999"') == [1]
    assert await _found(index, account_id, '"word29998 word29999"') == [2, 1]
    assert await _found(index, account_id, '"word29999 word29998"') == []
    assert await _found(index, account_id, "word0 -word149999") == [2]
    assert await _found(index, account_id, "nothing") == []


async def test_the_longest_query_is_answered(index: PostgresIndex) -> None:
    account_id = next(accounts)
    query = " ".join(f"{number:x}" for number in range(2_000))
    await index.write([document(account_id, 1, query), document(account_id, 2, query[:-3])], timeout=SECONDS)
    assert await _found(index, account_id, query) == [1]


async def test_versions_are_pages_of_what_is_there(index: PostgresIndex, database: Database) -> None:
    first, second = next(accounts), next(accounts)
    await index.write([document(second, 7, ""), document(first, 2, "", change_seq=9)], timeout=SECONDS)
    await index.write([document(first, 1, ""), document(first, 3, ""), Gone(first, 4, 4)], timeout=SECONDS)
    pages = [page := await index.versions((first, 0), 2, timeout=SECONDS)]
    while page:
        pages.append(page := await index.versions(page[-1][:2], 2, timeout=SECONDS))
    expected = [Version(first, 1, 1), Version(first, 2, 9), Version(first, 3, 3), Version(second, 7, 7)]
    assert [version for page in pages for version in page] == expected
    rows = await database.fetch("select count(*) from search_document where account_id = $1", first, timeout=SECONDS)
    assert rows[0][0] == 4


async def test_what_is_gone_is_forgotten_after_an_hour(index: PostgresIndex, database: Database) -> None:
    account_id = next(accounts)
    await index.write([document(account_id, 1, ""), *(Gone(account_id, nth, nth) for nth in (2, 3))], timeout=SECONDS)
    older = "update search_document set gone_at = gone_at - message_id * interval '25 minutes' where account_id = $1"
    await database.fetch(older, account_id, timeout=SECONDS)
    assert await Tidying(database).round() > 1
    kept = "select message_id from search_document where account_id = $1 order by message_id"
    assert [row["message_id"] for row in await database.fetch(kept, account_id, timeout=SECONDS)] == [1, 2]


async def test_what_is_gone_for_longest_is_forgotten_first(
    index: PostgresIndex, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.search.postgres.tidying._ROWS", 1)
    account_id = next(accounts)
    await index.write([Gone(account_id, nth, nth) for nth in (1, 2)], timeout=SECONDS)
    older = "update search_document set gone_at = gone_at - message_id * interval '1 day' where account_id = $1"
    await database.fetch(older, account_id, timeout=SECONDS)
    await Tidying(database).round()
    kept = "select message_id from search_document where account_id = $1"
    assert [row["message_id"] for row in await database.fetch(kept, account_id, timeout=SECONDS)] == [1]


async def test_an_erased_account_is_forgotten_for_ever(index: PostgresIndex, database: Database) -> None:
    erased, other = next(accounts), next(accounts)
    changes: list[Document | Gone] = [document(erased, 1, "word"), Gone(erased, 2, 2), document(other, 1, "word")]
    await index.write(changes, timeout=SECONDS)
    await database.fetch("select mailbox_erase($1)", erased, timeout=SECONDS)
    assert await index.forget(erased, timeout=SECONDS) == 2
    await index.write(changes, timeout=SECONDS)
    assert await _found(index, erased, EVERYTHING) == []
    assert await _found(index, other, "word") == [1]
    rows = await database.fetch("select from search_document where account_id = $1", erased, timeout=SECONDS)
    assert rows == []


async def test_an_erase_waits_for_what_is_being_written(database: Database) -> None:
    account_id = next(accounts)
    async with database.transaction(timeout=SECONDS) as connection:
        row = [account_id], [1], [1], [1_000], ["x"], [False], ["word"]
        await connection.fetch("select search_write($1, $2, $3, $4, $5, $6, $7)", *row)
        with pytest.raises(DatabaseError):
            await database.fetch("select mailbox_erase($1)", account_id, timeout=0.5)


async def test_a_seldom_word_is_looked_up_and_one_that_is_everywhere_is_met_soon(database: Database) -> None:
    account_id = next(accounts)
    await database.fetch(_MANY, account_id, timeout=SECONDS)
    await database.fetch("analyze search_document", timeout=SECONDS)
    # What others wrote just before is read through with every look until it is put in its place.
    await database.fetch("select gin_clean_pending_list('search_document_lexemes')", timeout=SECONDS)
    async with database.transaction(timeout=SECONDS) as connection:
        for _ in range(10):
            assert len(await connection.fetch(_FIND, account_id, " word ", f"'{account_id}/word'")) == 100
        for word in ("seldom", "word"):
            explained = f"explain (analyze, buffers, format json) {_FIND}"
            (found,) = json.loads(
                await connection.fetchval(explained, account_id, f" {word} ", f"'{account_id}/{word}'")
            )
            blocks = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
            print(f"{word}: {blocks} blocks")
            # The table alone has about 100.
            assert blocks < 70


async def test_nothing_is_written_for_nothing(index: PostgresIndex) -> None:
    await index.write([], timeout=SECONDS)
