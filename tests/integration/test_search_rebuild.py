"""The index made anew, on each backend: beside writes and queries, and after everything that can go wrong."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.search.index import Document, Gone, Index
from services.search.opensearch import renewal
from services.search.opensearch.bulk import IndexRefused
from services.search.rebuild import Rebuilt
from shared.contract.faults import Away
from shared.mailbox.writes import Flags, Removal
from tests.integration.index_rig import ACCOUNT, IndexRig, document, index_rig
from tests.integration.mailbox_rig import TIMEOUT, message, within
from tests.integration.opensearch_rig import Rig as OpenSearchRig
from tests.servers import PreparedServer


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "QUERIES_SECONDS", 0.1)
    monkeypatch.setattr("services.search.rebuild._WAIT_SECONDS", 0.05)
    monkeypatch.setattr("services.search.check.SETTLE_SECONDS", 0.7)


@pytest.fixture
async def on_opensearch(index_database: str, opensearch: PreparedServer) -> AsyncIterator[IndexRig]:
    async with index_rig(index_database, opensearch.url) as backend:
        yield backend


@pytest.fixture
def generations(on_opensearch: IndexRig) -> OpenSearchRig:
    assert on_opensearch.opensearch
    return on_opensearch.opensearch


async def test_everything_is_found_after_a_rebuild(backend: IndexRig) -> None:
    for _ in range(3):
        await backend.stored(*["word"] * 500)
    assert await backend.rebuilt() == Rebuilt(total=1500, messages=1500)
    assert len(await backend.found(ACCOUNT, "wor", limit=1000)) == 1000
    assert await backend.differences() == {}


async def test_a_rebuild_removes_what_no_mailbox_has(backend: IndexRig) -> None:
    await backend.stored("one", "two", "three")
    await backend.rebuilt()
    await backend.rig.mailbox.delete([Removal(ACCOUNT, 2)], within([0]))
    await backend.index.write([document(9, "nothing", 5), document(1, "x", 5, account_id=8)], timeout=TIMEOUT)
    assert (await backend.rebuilt()).messages == 2
    assert await backend.differences() == {}


async def test_words_of_other_rules_are_written_anew(backend: IndexRig) -> None:
    (one,) = await backend.stored("right")
    states, _ = await backend.mailboxes.states([(ACCOUNT, one)], timeout=TIMEOUT)
    seq = states[ACCOUNT, one].change_seq
    await backend.index.write([document(one, "wrong", seq)], timeout=TIMEOUT)
    await backend.rebuilt()
    assert await backend.found(ACCOUNT, "right") == [one]
    assert await backend.found(ACCOUNT, "wrong") == []


async def test_an_empty_service_is_rebuilt(backend: IndexRig) -> None:
    assert await backend.rebuilt() == Rebuilt(total=0)
    assert await backend.found(ACCOUNT, "x") == []


async def test_writes_and_queries_go_on_beside_it(backend: IndexRig) -> None:
    (first,) = await backend.stored("needle")
    await backend.stored(*["word"] * 400)
    await backend.rebuilt()
    done = asyncio.Event()
    counts = {"writes": 0, "queries": 0}

    async def writes() -> None:
        for number in itertools.count(2):
            await backend.rig.insert(message(ACCOUNT, body=f"new{number}"))
            await backend.rig.mailbox.update([Flags(ACCOUNT, number, read=None, locked=True)], within([0]))
            await backend.rig.mailbox.delete([Removal(ACCOUNT, number + 20)], within([0]))
            await backend.indexed(ACCOUNT)
            counts["writes"] += 1
            if done.is_set():
                return

    async def queries() -> None:
        while not done.is_set():
            assert await backend.found(ACCOUNT, "needle") == [first]
            counts["queries"] += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writes())
        tasks.create_task(queries())
        for _ in range(3):
            await backend.rebuilt()
            await asyncio.sleep(0.2)
        done.set()
    assert min(counts.values()) > 5, counts
    assert await backend.differences() == {}


class _Interrupted:
    """An index whose renewal meets something at each of its first writes."""

    def __init__(self, index: Index, *errors: Exception) -> None:
        self._index = index
        self._errors = iter(errors)

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    @asynccontextmanager
    async def renewal(self) -> AsyncIterator["_Interrupted"]:
        async with self._index.renewal() as inner:
            self._inner = inner
            yield self

    @property
    def in_place(self) -> bool:
        return self._inner.in_place

    async def write(self, documents: Sequence[Document], *, timeout: float) -> int:  # noqa: ASYNC109
        for error in self._errors:
            raise error
        return await self._inner.write(documents, timeout=timeout)


async def test_a_server_that_is_away_for_a_while_delays_it(backend: IndexRig) -> None:
    await backend.stored("one", "two")
    interrupted = _Interrupted(backend.index, Away("for a while"), Away("still"))
    assert await backend.rebuilt(interrupted) == Rebuilt(total=2, messages=2)  # type: ignore[arg-type]
    assert await backend.differences() == {}


async def test_one_that_broke_off_changes_nothing_and_the_next_one_tidies_up(
    backend: IndexRig,
) -> None:
    (one,) = await backend.stored("word")
    await backend.rebuilt()
    (two,) = await backend.stored("word")
    with pytest.raises(ZeroDivisionError):
        await backend.rebuilt(_Interrupted(backend.index, ZeroDivisionError()))  # type: ignore[arg-type]
    assert await backend.found(ACCOUNT, "word") == [one]
    if backend.opensearch:
        assert await backend.opensearch.indexes() == await backend.opensearch.generations.registered(timeout=TIMEOUT)
        assert len(await backend.opensearch.indexes()) == 1
    await backend.rig.insert(message(ACCOUNT, body="word"))
    await backend.indexed(ACCOUNT)
    await backend.rebuilt()
    assert await backend.differences() == {}
    assert await backend.found(ACCOUNT, "word") == [two + 1, two, one]
    if backend.opensearch:
        generations = backend.opensearch.generations
        current = await generations.current(timeout=TIMEOUT)
        assert await backend.opensearch.indexes() == await generations.registered(timeout=TIMEOUT) == current


async def test_during_one_every_generation_is_written_to(generations: OpenSearchRig) -> None:
    await generations.write(document(1, "before"))
    async with generations.index.renewal():
        await generations.write(document(2, "meanwhile"))
        assert len(await generations.indexes()) == 2
        assert await generations.find(account_id=ACCOUNT) == [2, 1]
    assert await generations.find(account_id=ACCOUNT) == [2]
    assert len(await generations.indexes()) == 1


async def test_a_slow_indexer_does_not_bring_an_old_state_into_a_new_generation(generations: OpenSearchRig) -> None:
    async with generations.index.renewal() as fresh:
        await fresh.write([document(1, "new", 2)], timeout=TIMEOUT)
        await generations.write(document(1, "old", 1), Gone(ACCOUNT, 2, 3))
        await fresh.write([document(2, "deleted meanwhile", 2)], timeout=TIMEOUT)
    assert await generations.find("new", account_id=ACCOUNT) == [1]
    assert await generations.find(account_id=ACCOUNT) == [1]


async def test_texts_that_no_index_takes_are_counted(generations: OpenSearchRig) -> None:
    async with generations.index.renewal() as fresh:
        assert await fresh.write([document(each, "word") for each in (1, 2**40, 3)], timeout=TIMEOUT) == 1
    assert await generations.find(account_id=ACCOUNT) == [3, 1]


async def test_a_rebuild_gives_up_where_no_text_is_taken(generations: OpenSearchRig) -> None:
    with pytest.raises(IndexRefused):
        async with generations.index.renewal() as fresh:
            await fresh.write([document(2**40 + each, "word") for each in range(200)], timeout=TIMEOUT)


async def test_an_erase_forgets_what_a_killed_rebuild_left(
    generations: OpenSearchRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    await generations.write(document(1, "before"))
    monkeypatch.setattr(generations.generations, "drop_others", killed)
    with pytest.raises(ZeroDivisionError):
        async with generations.index.renewal() as fresh:
            await fresh.write([document(1, "before")], timeout=TIMEOUT)
    assert len(await generations.indexes()) == 2
    assert await generations.index.forget(ACCOUNT, timeout=TIMEOUT) == 1
    assert await generations.indexes() == await generations.generations.current(timeout=TIMEOUT)


async def test_a_lost_index_is_made_anew(on_opensearch: IndexRig, generations: OpenSearchRig) -> None:
    backend = on_opensearch
    (one,) = await backend.stored("word")
    await backend.rebuilt()
    (name,) = await generations.indexes()
    await generations.client.call("DELETE", f"/{name}", timeout=TIMEOUT)
    with pytest.raises(Away):
        await backend.found(ACCOUNT, "word")
    await backend.rebuilt()
    assert await backend.found(ACCOUNT, "word") == [one]
    await backend.index.probe()
