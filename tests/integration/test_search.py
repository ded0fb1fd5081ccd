"""What events tell gets into the index, and a search answers with messages as they stand."""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import pytest

from deploy.local.servers import Servers
from services.search import indexer
from services.search.handlers import Search
from services.search.index import Document, Gone, Hit, Wanted
from services.search.indexer import Indexer
from services.search.postgres.index import PostgresIndex
from shared.contract.events import Event, Fact
from shared.contract.search import UserMessageSearchRequest
from shared.mailbox.indexing import Indexing, Pointer, State
from shared.mailbox.lists import LockList, id_list
from shared.mailbox.purge import Purge
from shared.mailbox.rules import PAGE_OCTETS
from shared.mailbox.writes import Closing, Flags, Removal
from tests.integration.fresh_database import fresh_database
from tests.integration.mailbox_rig import FRIEND, SHOP, accounts, context, message, within
from tests.integration.purge_rig import fill
from tests.integration.search_rig import SearchRig, search_rig

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
async def search(servers: Servers) -> AsyncIterator[SearchRig]:
    async with fresh_database(servers) as url, search_rig(url) as rig:
        yield rig


@pytest.fixture
def account() -> int:
    return next(accounts)


async def _delete(search: SearchRig, account: int, *ids: int) -> None:
    for message_id in ids:
        await search.rig.mailbox.delete([Removal(account, message_id)], within([0]))


async def _lock(search: SearchRig, account: int, *ids: int, locked: bool = True) -> None:
    await search.rig.mailbox.lock_list([LockList(account, id_list(ids), locked)], within([0]))


async def _close(search: SearchRig, account: int, address: str) -> None:
    await search.rig.mailbox.delete_conversations([Closing(account, json.dumps([address]))], within([0]))


async def test_what_events_point_at_is_found_as_it_stands(search: SearchRig, account: int) -> None:
    await search.rig.insert(message(account, FRIEND, "Grüße aus Wien"), message(account, SHOP, "Wien bleibt Wien"))
    assert await search.found(account, "wien") == []
    await search.indexed(account)
    assert await search.found(account, "wien") == [2, 1]
    assert await search.search(account, "grusse") == await search.rig.page(account, FRIEND)
    assert await search.found(account, "wien", address=SHOP) == [2]
    assert await search.found(account, "wien", address="+436990000003") == []
    assert await search.found(account, "wien", limit=1) == [2]
    assert await search.found(account, '"-*') == []


async def test_locked_messages_are_found_alone(search: SearchRig, account: int) -> None:
    await search.rig.insert(*(message(account, FRIEND, f"word {number}") for number in range(4)))
    await _lock(search, account, 1, 3)
    await search.indexed(account)
    assert await search.found(account, "word", locked=True) == [3, 1]
    assert await search.found(account, " ", locked=True) == [3, 1]
    await _lock(search, account, 3, locked=False)
    await _lock(search, account, 4)
    assert await search.found(account, "word", locked=True) == [1]
    await search.indexed(account)
    assert await search.found(account, " ", locked=True) == [4, 1]


async def test_an_answer_tells_of_what_the_index_does_not_know_yet(search: SearchRig, account: int) -> None:
    await search.rig.insert(message(account, FRIEND, "word"))
    await search.indexed(account)
    await search.rig.mailbox.update([Flags(account, 1, read=True, locked=True)], within([0]))
    (found,) = await search.search(account, "word")
    assert (found["read"], found["locked"]) == (True, True)


async def test_what_is_deleted_is_not_found_from_then_on(search: SearchRig, account: int) -> None:
    await search.rig.insert(*(message(account, address, "word") for address in (FRIEND, SHOP, SHOP)))
    stored = await search.events(account)
    await search.indexer.take(stored)
    await _delete(search, account, 2)
    await _close(search, account, FRIEND)
    assert await search.found(account, "word") == [3]
    # The purge has not told of it yet, but whatever comes again tells.
    await search.indexer.take(stored)
    assert {*await search.documents(account)} == {3}
    await Purge(search.rig.database).round()
    await search.indexed(account)
    await search.indexer.take(stored)
    assert {*await search.documents(account)} == {3}


async def test_events_may_come_late_and_again_and_in_any_order(search: SearchRig, account: int) -> None:
    await search.rig.insert(message(account, FRIEND, "word"), message(account, FRIEND, "word"))
    await _lock(search, account, 1)
    await _delete(search, account, 2)
    events = await search.events(account)
    assert len(events) == 4
    await search.indexer.take([*reversed(events), *events])
    assert await search.documents(account) == {1: (3, "word")}
    for event in reversed(events):
        await search.indexer.take([event])
    assert await search.documents(account) == {1: (3, "word")}
    await search.indexer.take([Event(Fact.MESSAGE_DELETED, account, 77, 5, 0)])
    assert {*await search.documents(account)} == {1}


async def test_of_what_left_no_trace_the_last_event_tells(search: SearchRig, account: int) -> None:
    await search.rig.insert(message(account, FRIEND, "word"))
    await _lock(search, account, 1)
    stored = await search.events(account)
    await search.indexer.take(stored)
    await _delete(search, account, 1)
    (deleted,) = await search.events(account)
    await search.rig.rows("delete from message where account_id = $1", account)
    await search.indexer.take([deleted, stored[0]])
    assert await search.documents(account) == {}


async def test_a_search_goes_on_behind_what_is_gone(search: SearchRig, account: int) -> None:
    await fill(search.rig.url, account, 400, FRIEND)
    await search.indexer.take([Event(Fact.MESSAGE_STORED, account, number, number, 0) for number in range(1, 401)])
    await _delete(search, account, *range(101, 401), 99)
    assert await search.found(account, "message", limit=3) == [100, 98, 97]
    assert await search.found(account, "message") == [100, *range(98, 0, -1)]


async def test_a_limit_has_a_default_and_a_most(search: SearchRig, account: int) -> None:
    await fill(search.rig.url, account, 1_100, FRIEND)
    for first in range(1, 1_101, 100):
        events = [Event(Fact.MESSAGE_STORED, account, number, number, 0) for number in range(first, first + 100)]
        await search.indexer.take(events)
    assert await search.found(account, "long conversation") == [*range(1_100, 1_000, -1)]
    assert await search.found(account, "long conversation", limit=5_000) == [*range(1_100, 100, -1)]


class Looks(PostgresIndex):
    """Counts how often it is asked."""

    count = 0

    async def find(
        self,
        wanted: Wanted,
        after: Hit | None,
        most: int,
        *,
        timeout: float,  # noqa: ASYNC109 - as it is
    ) -> list[Hit]:
        self.count += 1
        return await super().find(wanted, after, most, timeout=timeout)


async def _ids(handler: Search, account: int, limit: int) -> list[int]:
    request = UserMessageSearchRequest("word", address=None, locked=False, limit=limit)
    return [entry["messageId"] for entry in (await handler.search(request, context(account)))["messages"]]


async def test_a_page_ends_before_16_mib(search: SearchRig, account: int) -> None:
    bodies = ["word " + "x" * MEGABYTE] * 20
    for body in bodies:
        await search.rig.insert(message(account, FRIEND, body))
    await _lock(search, account, *range(1, 20, 2))
    await search.indexed(account)
    found = await search.search(account, "word")
    assert [entry["messageId"] for entry in found] == [*range(20, 4, -1)]
    assert sum(len(entry["message"]) for entry in found) < PAGE_OCTETS
    assert await search.found(account, "word", locked=True) == [*range(19, 0, -2)]
    # What no answer holds is not looked for.
    looks = Looks(search.rig.database)
    assert len(await _ids(Search(Indexing(search.rig.database), looks), account, limit=18)) == 16
    assert looks.count == 1


async def test_long_texts_go_in_parts(search: SearchRig, account: int) -> None:
    for number in range(10):
        await search.rig.insert(message(account, FRIEND, f"word{number} " + "x" * MEGABYTE))
    await search.rig.insert(message(account, FRIEND, "word"), message(account, FRIEND, "word"))
    await _delete(search, account, 3)
    written: list[list[int]] = []

    class Watched:
        async def write(self, changes: Sequence[Document | Gone], *, timeout: float) -> None:  # noqa: ASYNC109
            written.append([change.message_id for change in changes])
            await search.index.write(changes, timeout=timeout)

    await Indexer(Indexing(search.rig.database), Watched()).take(await search.events(account))  # type: ignore[arg-type]
    assert sorted(each for part in written for each in part) == [*range(1, 13)]
    assert len(written) == 5
    assert max(map(len, written)) <= 3
    assert {*await search.documents(account)} == {*range(1, 13)} - {3}


class Slow(Indexing):
    """Reads, and then tells what it read after some time in which somebody changes it, once."""

    def __init__(self, search: SearchRig, account: int) -> None:
        super().__init__(search.rig.database)
        self._search = search
        self._account = account
        self.reads = 0

    async def states(
        self,
        pointers: Collection[Pointer],
        *,
        octets: int = 1,
        timeout: float,  # noqa: ASYNC109 - as it is
    ) -> tuple[Mapping[Pointer, State], Sequence[Pointer]]:
        found = await super().states(pointers, octets=octets, timeout=timeout)
        self.reads += 1
        if self.reads == 1:
            await _delete(self._search, self._account, 1)
            await self._search.indexed(self._account)
            await self._search.rig.rows("select pg_sleep(0.3)")
            # As the index does after an hour.
            await self._search.rig.rows("delete from search_document where account_id = $1", self._account)
        return found


async def test_what_was_read_long_ago_is_read_again(
    search: SearchRig, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "_STALE_SECONDS", 0.2)
    await search.rig.insert(message(account, FRIEND, "word"))
    slow = Slow(search, account)
    await Indexer(slow, search.index).take(await search.events(account))
    assert slow.reads == 2
    assert await search.documents(account) == {}


class Moving(PostgresIndex):
    """Learns before a second look of another date of what it has found."""

    async def find(
        self,
        wanted: Wanted,
        after: Hit | None,
        most: int,
        *,
        timeout: float,  # noqa: ASYNC109 - as it is
    ) -> list[Hit]:
        if after is not None:
            await self._database.fetch(
                "update search_document set date_sent = 0 where account_id = $1 and message_id = 5",
                wanted.account_id,
                timeout=timeout,
            )
        return await super().find(wanted, after, most, timeout=timeout)


async def test_nothing_is_found_twice(search: SearchRig, account: int) -> None:
    await search.rig.insert(*(message(account, FRIEND, "word") for _ in range(5)))
    await search.indexed(account)
    await _delete(search, account, 4)
    moving = Search(Indexing(search.rig.database), Moving(search.rig.database))
    assert await _ids(moving, account, limit=2) == [5, 3]
