"""Yesterday's backup is restored: what came since is lost, and nothing else goes wrong."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.apart import place_of_its_own
from tests.dumps import Dump, dump_of
from tests.integration.delivery_rows import rows
from tests.integration.terminal import Terminal
from tests.opensearch import Beginning
from tests.reliability.carrier import FILE, TextCarrier
from tests.reliability.life import Life, held, life
from tests.reliability.settings import SEED
from tests.running import Account, Stack
from tests.servers import Servers

GAP = 1_000_000
KEPT = ("the first one", "the second one", "the third one", "the fourth one", "the fifth one")
LOST = ("a lost one", "another lost one", "the last lost one")
NEW = ("a new one", "another new one", "the last new one")
DUE, LATER, FRIENDLY = "due soon", "due later", "due soon for a friend"
_JOBS = """
select job.message_id, job.state, message.status,
  array(
    select state from delivery_timeline
    where delivery_timeline.account_id = job.account_id and delivery_timeline.message_id = job.message_id order by id
  ) as happened
from delivery_job as job join message using (account_id, message_id) where account_id = $1
"""


@pytest.fixture(scope="module")
async def place(servers: Servers) -> AsyncIterator[dict[str, str]]:
    async with place_of_its_own(servers) as settings:
        yield {**settings, "OPENSEARCH_INDEX": f"restored-{secrets.token_hex(4)}"}


@pytest.fixture
async def carrier() -> AsyncIterator[TextCarrier]:
    carrier = TextCarrier(SEED, bad=False)
    async with carrier.serving():
        yield carrier


@pytest.fixture
def settings(place: dict[str, str], carrier: TextCarrier, tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "carriers.toml"
    file.write_text(FILE.format(url=carrier.url, policy="resend", rate=100))
    return {**place, "CARRIERS_FILE": str(file), "HOOK_SECRET": "a-secret-of-tests"}


@pytest.fixture
def service(
    servers: Servers, beginning: Beginning, settings: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    opensearch = beginning.server(request.config)
    stack = Stack(servers, tmp_path / "roles", settings, opensearch_url=opensearch.url if opensearch else "")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


async def test_what_was_restored_goes_on(service: Stack, carrier: TextCarrier, place: dict[str, str]) -> None:
    terminal = Terminal(service.settings_env)
    friend = await service.account()
    async with life(service) as living:
        with dump_of(service.servers, place["DATABASE_URL"]) as dump:
            await _begin(living, place, friend)
            await dump.take()
            await _go_on(living, carrier, friend)
            await _come_back(service, terminal, dump)
        assert {*carrier.took.values()} == {1}
        await _until(lambda: _received(living, friend))
        await living.insert(*NEW)
        await living.catch_up()
        await _phones_are_right(living)
        assert await living.found("lost", 0) == 0
        assert await living.found("one", len(KEPT + NEW)) == len(KEPT + NEW)
        checked = await asyncio.to_thread(terminal.row, "search", "check", "--full", "--no-repair")
        assert {checked[name] for name in ("missing", "stale", "orphaned")} == {0}
        await _carriers_got_nothing_twice(living, carrier, place)


async def _begin(living: Life, place: dict[str, str], friend: Account) -> None:
    await living.insert(*KEPT)
    await living.send(FRIENDLY, 4, int(friend.msisdn))
    await living.send(DUE, 4)
    await living.send(LATER, 3600)
    await living.catch_up()

    async def kept() -> bool:
        return len(await _jobs(living, place)) == 3

    await _until(kept)


async def _go_on(living: Life, carrier: TextCarrier, friend: Account) -> None:
    """Do what nobody but phones, the index and the carrier will remember."""
    await living.insert(*LOST)
    await living.update(KEPT[0], locked=True)
    await living.delete(KEPT[2])
    await living.catch_up()
    phone = living.phones[0]
    phone.update(phone.store.pairs[living.ids[KEPT[1]]], read=True)
    await living.catch_up()
    assert await living.found("lost", len(LOST)) == len(LOST)
    await _until(lambda: _took(carrier, 1))
    await _until(lambda: _received(living, friend))
    # The backup comes between a phone's last answer and its acks.
    await living.update(KEPT[3], locked=True)
    await asyncio.to_thread(phone.exchange)
    assert living.ids[KEPT[3]] in {ack["messageId"] for ack in phone.store.acks}


async def _come_back(service: Stack, terminal: Terminal, dump: Dump) -> None:
    refused = await asyncio.to_thread(terminal.run, "restored")
    assert (refused.returncode, "stop them first" in refused.stderr) == (1, True)
    await asyncio.to_thread(service.stop)
    await dump.restore()
    done = await asyncio.to_thread(terminal.run, "restored")
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    await asyncio.to_thread(service.resume)


async def _phones_are_right(living: Life) -> None:
    there = await living.stored()
    assert there.keys() == {living.ids[text] for text in (*KEPT, *NEW, DUE, LATER, FRIENDLY)}
    assert min(living.ids[text] for text in NEW) > GAP
    for phone in living.phones:
        had = held(phone)
        # A phone goes by its own deletes, and keeps what the server has lost.
        assert there.keys() - had.keys() == {living.ids[KEPT[2]]}
        assert had.keys() - there.keys() == {living.ids[text] for text in LOST}
        assert {key: had[key] for key in had.keys() & there.keys()} == {
            key: there[key] for key in had.keys() & there.keys()
        }


async def _carriers_got_nothing_twice(living: Life, carrier: TextCarrier, place: dict[str, str]) -> None:
    async def ended() -> bool:
        return (await _jobs(living, place))[living.ids[DUE]][0] == "done"

    await _until(ended)
    jobs = await _jobs(living, place)
    assert jobs[living.ids[DUE]][1] == 3
    assert {"restored", "expired"} <= {*jobs[living.ids[DUE]][2]}
    assert jobs[living.ids[LATER]][0] == "waiting"
    await living.send("a fresh one", 0)
    await _until(lambda: _took(carrier, 2))
    assert {*carrier.took.values()} == {1}


async def _jobs(living: Life, place: dict[str, str]) -> dict[int, tuple[str, int, list[str]]]:
    """Return the jobs by their messages: state, the message's status, and what happened."""
    found = await rows(place["DATABASE_URL"], _JOBS, living.account.account_id)
    return {row["message_id"]: (row["state"], row["status"], row["happened"]) for row in found}


async def _received(living: Life, friend: Account) -> bool:
    return await living.received_by(friend) == [FRIENDLY]


async def _took(carrier: TextCarrier, count: int) -> bool:
    return len(carrier.took) == count


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is looked at is in other processes
            await asyncio.sleep(0.1)
