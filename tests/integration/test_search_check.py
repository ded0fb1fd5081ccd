"""The index held against the mailboxes, on each backend."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from deploy.local.ports import free_port
from deploy.local.servers import Servers
from services.search.check import Check, Checked
from services.search.commands import _opened
from services.search.index import Document, Gone
from services.search.opensearch.bulk import IndexRefused
from services.search.turn import our_turn
from shared.command_line import CommandFailed
from shared.mailbox.writes import Flags, Removal
from shared.settings import Settings
from tests.integration.index_rig import ACCOUNT, IndexRig, document
from tests.integration.mailbox_rig import TIMEOUT, message, within
from tests.integration.terminal import Done, Terminal

_SETTLE_SECONDS = 1.0


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.search.check.SETTLE_SECONDS", _SETTLE_SECONDS)
    monkeypatch.setattr("services.search.opensearch.renewal.QUERIES_SECONDS", 0.1)


async def checked(backend: IndexRig, *, repair: bool = True, sample: int = 0) -> Checked:
    await backend.refresh()
    check = Check(backend.mailboxes, backend.index, repair=repair)
    return await (check.sample(sample) if sample else check.full())


async def muddled(backend: IndexRig) -> None:
    """Make an index that lacks 2 messages, has 2 as they were, and 5 that are gone or never were."""
    await backend.stored("word", "word")
    await backend.rig.insert(*(message(ACCOUNT, body="word") for _ in range(6)))
    await backend.indexed(ACCOUNT)
    flags = [Flags(ACCOUNT, number, read=None, locked=True) for number in (3, 4)]
    await backend.rig.mailbox.update(flags, within(flags))
    await backend.rig.mailbox.delete([Removal(ACCOUNT, 5), Removal(ACCOUNT, 6)], within([0, 0]))
    await backend.events(ACCOUNT)
    orphans = [document(number, "word", account_id=account) for account, number in ((6, 1), (ACCOUNT, 90), (8, 1))]
    await backend.index.write(orphans, timeout=TIMEOUT)


async def test_what_differs_is_found_and_repaired(backend: IndexRig) -> None:
    await muddled(backend)
    found = Checked(compared=6, missing=2, stale=2, orphaned=5)
    assert await checked(backend, repair=False) == replace(found, left=9)
    assert await checked(backend) == replace(found, repaired=9)
    assert await checked(backend) == Checked(compared=6)
    assert await backend.found(ACCOUNT, "word") == [8, 7, 4, 3, 2, 1]
    assert await backend.found(ACCOUNT, "word", locked=True) == [4, 3]


async def test_a_message_that_no_index_takes_keeps_no_other_from_being_repaired(
    backend: IndexRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await backend.stored("word", "word", "word")
    write = backend.index.write

    async def refusing(changes: Sequence[Document | Gone], *, timeout: float) -> None:  # noqa: ASYNC109 - as it is
        if any(each.message_id == 2 for each in changes):
            raise IndexRefused("mapper_parsing_exception")
        await write(changes, timeout=timeout)

    monkeypatch.setattr(backend.index, "write", refusing)
    assert await checked(backend) == Checked(compared=3, missing=3, repaired=2, left=1)


async def test_a_request_that_the_index_refuses_ends_a_command_in_a_line(index_database: str) -> None:
    settings = Settings(database_url=index_database, search_backend="postgres")
    with pytest.raises(CommandFailed, match="the index cannot do it: parsing_exception"):
        async with _opened(settings):
            raise IndexRefused("parsing_exception")


async def test_a_sample_finds_what_lies_in_its_places(backend: IndexRig) -> None:
    await muddled(backend)
    sampled = await checked(backend, repair=False, sample=3000)
    assert 0 < sampled.compared <= 30 * 6
    assert min(sampled.missing, sampled.stale, sampled.orphaned) > 0
    assert (await checked(backend, sample=1)).left == 0


async def test_events_that_are_on_their_way_are_no_differences(backend: IndexRig) -> None:
    await backend.rig.insert(message(ACCOUNT), message(ACCOUNT))
    await backend.indexed(ACCOUNT)
    await backend.rig.insert(message(ACCOUNT))
    flags = [Flags(ACCOUNT, 1, read=None, locked=True)]
    await backend.rig.mailbox.update(flags, within(flags))
    await backend.rig.mailbox.delete([Removal(ACCOUNT, 2)], within([0]))
    check = asyncio.create_task(checked(backend, repair=False))
    await asyncio.sleep(_SETTLE_SECONDS / 2)
    assert not check.done()
    await backend.indexed(ACCOUNT)
    assert await check == Checked(compared=2)


async def test_a_message_that_changes_all_the_time_is_no_difference_in_the_end(backend: IndexRig) -> None:
    await backend.rig.insert(message(ACCOUNT))
    check = asyncio.create_task(checked(backend))
    locked = True
    while not check.done():
        flags = [Flags(ACCOUNT, 1, read=None, locked=locked)]
        await backend.rig.mailbox.update(flags, within(flags))
        await backend.indexed(ACCOUNT)
        await asyncio.sleep(0.3)
        locked = not locked
    assert (await check).missing == 0


async def test_many_accounts_and_pages_are_compared(backend: IndexRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.search.comparing._PAGE", 50)
    monkeypatch.setattr("shared.mailbox.indexing._SCAN_MESSAGES", 20)
    for account in range(10):
        await backend.rig.insert(*(message(account + 1, body="word") for _ in range(30)))
    orphans = [document(number, "word", account_id=account) for account in (5, 90) for number in range(100, 320)]
    await backend.index.write(orphans, timeout=TIMEOUT)
    assert await checked(backend, repair=False) == Checked(compared=300, missing=300, orphaned=440, left=740)
    assert await checked(backend) == Checked(compared=300, missing=300, orphaned=440, repaired=740)
    assert await checked(backend) == Checked(compared=300)


async def test_an_index_that_is_ahead_is_told_and_not_repaired(backend: IndexRig) -> None:
    """The mailboxes came back from a backup; only a rebuild beside the old index helps."""
    (one,) = await backend.stored("word")
    await backend.index.write([document(one, "later", 900)], timeout=TIMEOUT)
    assert await checked(backend) == Checked(compared=1, stale=1, left=1)


@pytest.fixture
def terminal(backend: IndexRig, servers: Servers) -> Terminal:
    chosen = {"SEARCH_BACKEND": "postgres"}
    if backend.opensearch:
        chosen = {"OPENSEARCH_URL": backend.opensearch.url, "OPENSEARCH_INDEX": backend.opensearch.generations.alias}
    return Terminal({"DATABASE_URL": backend.rig.url, "AMQP_URL": servers.rabbitmq.url, **chosen})


async def run(terminal: Terminal, *arguments: str) -> Done:
    return await asyncio.to_thread(terminal.run, "search", *arguments)


async def test_the_commands(backend: IndexRig, terminal: Terminal) -> None:
    await muddled(backend)
    await backend.refresh()
    done = await run(terminal, "check", "--full", "--no-repair", "--json")
    assert done.returncode == 1
    assert done.stderr == (
        "usermessage: the index differs from the mailboxes; `usermessage search rebuild` makes it anew\n"
    )
    counts = {"compared": 6, "missing": 2, "stale": 2, "orphaned": 5, "repaired": 0, "left": 9}
    assert json.loads(done.stdout) == counts
    done = await run(terminal, "check", "--full")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [
        "compared",
        "6",
        "missing",
        "2",
        "stale",
        "2",
        "orphaned",
        "5",
        "repaired",
        "9",
        "left",
        "0",
    ]
    done = await run(terminal, "rebuild", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"messages": 6, "refused": 0, "removed": 0}
    assert (await run(terminal, "check", "--sample", "500")).returncode == 0
    assert (await run(terminal, "check", "--sample", "0")).returncode == 2


async def test_two_rebuilds_at_once_are_refused(terminal: Terminal) -> None:
    async with our_turn(Settings.from_environment(terminal.environment)) as turn:
        await turn.take()
        done = await run(terminal, "rebuild")
    assert (done.returncode, done.stderr) == (1, "usermessage: somebody else makes the index anew now\n")
    assert (await run(terminal, "rebuild")).returncode == 0


async def test_a_backend_that_is_away_is_told(backend: IndexRig, terminal: Terminal) -> None:
    if backend.opensearch is None:
        return
    away = f"http://127.0.0.1:{free_port()}"
    for command in ("rebuild", "check"):
        done = await asyncio.to_thread(terminal.run, "search", command, OPENSEARCH_URL=away)
        assert done.returncode == 1
        assert "usermessage: the index did not do it: OpenSearch cannot be reached" in done.stderr
