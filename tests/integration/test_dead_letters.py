"""Dead letters over the command line: looked at without harm, replayed when the cause is gone, dropped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from unittest.mock import patch

import aio_pika
import pytest

from deploy.local.servers import Servers
from shared.bus.dead_letters import dead_letters
from shared.bus.events import batch_message, dead_letter
from shared.bus.forgetting import forget_account
from shared.bus.link import connected
from shared.bus.topology import EventQueue
from shared.contract import dates
from shared.contract.events import Event, Fact
from tests.integration.subscriber_rig import Rig, event, subscriber_rig
from tests.integration.terminal import ROOT, Terminal, terminal_of

_KILLED = """
import sys
from services.cli import __main__, dead_letters
from shared import failpoints
from shared.bus.topology import EventQueue
dead_letters.EVENT_QUEUES = (EventQueue(sys.argv[1], frozenset()),)
failpoints.arm("dead_letters.replayed=kill@2")
__main__.main(["dead-letters", "replay", "--all"])
"""


@pytest.fixture
async def rig(servers: Servers) -> AsyncIterator[Rig]:
    """Yield a queue with three dead letters, which is the only one that the commands know."""
    async with subscriber_rig(servers.rabbitmq.url) as rig:
        await rig.publish([])
        await _bury(rig, 3)
        queues: tuple[EventQueue, ...] = (rig.queue,)
        with patch("services.cli.dead_letters.EVENT_QUEUES", queues), patch("services.cli.queues.EVENT_QUEUES", queues):
            yield rig


@pytest.fixture(scope="module")
async def terminal(servers: Servers) -> AsyncIterator[Terminal]:
    async with terminal_of(servers) as terminal:
        yield terminal


async def _bury(rig: Rig, letters: int) -> None:
    async with await aio_pika.connect(rig.amqp_url) as connection:
        channel = await connection.channel()
        for number in range(1, letters + 1):
            letter = dead_letter(event(number), attempts=5, error="ZeroDivisionError")
            await channel.default_exchange.publish(letter, rig.queue.dead)


async def test_they_are_listed_and_shown_and_stay(rig: Rig, terminal: Terminal) -> None:
    for _ in range(3):
        rows = terminal.rows("dead-letters", "list")
        assert [row["message_id"] for row in rows] == [1, 2, 3]
    first = rows[0]
    assert first == {
        "id": first["id"], "queue": rig.queue.name, "fact": "send_requested", "account_id": 1, "message_id": 1,
        "written_at": first["written_at"], "attempts": 5, "error": "ZeroDivisionError", "events": 1,
    }  # fmt: skip
    assert first["written_at"].startswith(f"{datetime.now(UTC):%Y-}")
    shown = terminal.row("dead-letters", "show", first["id"])
    assert shown["events"] == [{name: first[name] for name in ("fact", "account_id", "message_id", "written_at")}]
    assert len(terminal.rows("dead-letters", "list", "--limit", "2")) == 2
    assert await rig.ready(rig.queue.dead) == 3


async def test_what_the_broker_gave_up_is_shown_and_replayed_whole(rig: Rig, terminal: Terminal) -> None:
    strange = aio_pika.Message(b"no batch")
    async with await aio_pika.connect(rig.amqp_url) as connection:
        channel = await connection.channel()
        for message in (batch_message([event(7), event(8)]), strange):
            await channel.default_exchange.publish(message, rig.queue.dead)
    *_, batch, unreadable = terminal.rows("dead-letters", "list")
    assert (batch["error"], batch["attempts"], batch["events"], batch["message_id"]) == ("delivery limit", 0, 2, 7)
    assert (unreadable["error"], unreadable["events"], unreadable["message_id"]) == ("delivery limit", None, None)
    assert [each["message_id"] for each in terminal.row("dead-letters", "show", batch["id"])["events"]] == [7, 8]
    assert terminal.run("dead-letters", "show", unreadable["id"]).returncode == 0
    assert terminal.row("dead-letters", "replay", batch["id"], unreadable["id"]) == {"replayed": 2}
    assert [await rig.ready(rig.queue.dead), await rig.ready(rig.queue.name)] == [3, 2]


async def test_looking_often_loses_none(rig: Rig) -> None:
    async with connected(rig.amqp_url, "test") as session:
        # RabbitMQ 4 would throw them away after 20 deliveries.
        for _ in range(25):
            async with dead_letters(session, rig.queue) as letters:
                assert letters is not None
                while await letters.next():
                    pass
    await rig.until_ready(rig.queue.dead, 3)


async def test_one_or_all_are_replayed(rig: Rig, terminal: Terminal) -> None:
    second = terminal.rows("dead-letters", "list")[1]
    assert terminal.row("dead-letters", "replay", second["id"]) == {"replayed": 1}
    assert [await rig.ready(rig.queue.dead), await rig.ready(rig.queue.name)] == [2, 1]
    assert terminal.row("dead-letters", "replay", "--all") == {"replayed": 2}
    assert [await rig.ready(rig.queue.dead), await rig.ready(rig.queue.name)] == [0, 3]


async def test_what_is_too_old_is_not_replayed(rig: Rig, terminal: Terminal) -> None:
    old = event(4)._replace(at=dates.now() - 6 * 86_400_000 - 1)
    async with await aio_pika.connect(rig.amqp_url) as connection:
        letter = dead_letter(old, attempts=5, error="ZeroDivisionError")
        await (await connection.channel()).default_exchange.publish(letter, rig.queue.dead)
    done = terminal.run("dead-letters", "replay", "--all")
    assert (done.returncode, "done for 3; older than 6 days" in done.stderr) == (1, True)
    assert [row["message_id"] for row in terminal.rows("dead-letters", "list")] == [4]
    assert await rig.ready(rig.queue.name) == 3


async def test_one_or_all_are_dropped(rig: Rig, terminal: Terminal) -> None:
    first = terminal.rows("dead-letters", "list")[0]
    assert terminal.run("dead-letters", "drop", first["id"], text="n\n").returncode == 1
    assert await rig.ready(rig.queue.dead) == 3
    assert terminal.row("dead-letters", "drop", first["id"], "--yes") == {"dropped": 1}
    assert [row["message_id"] for row in terminal.rows("dead-letters", "list")] == [2, 3]
    assert terminal.row("dead-letters", "drop", "--all", "--yes") == {"dropped": 2}
    assert [await rig.ready(rig.queue.dead), await rig.ready(rig.queue.name)] == [0, 0]


async def test_a_replay_that_dies_in_the_middle_loses_nothing(rig: Rig, terminal: Terminal) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, rig.queue.name, cwd=ROOT, env={**os.environ, **terminal.environment}
    )
    assert await program.wait() == -signal.SIGKILL
    # The second is in both, for it had no time to be taken out of one.
    await rig.until_ready(rig.queue.dead, 2)
    assert await rig.ready(rig.queue.name) == 2


async def test_what_their_queue_does_not_take_stays_a_dead_letter(rig: Rig, terminal: Terminal) -> None:
    async with await aio_pika.connect(rig.amqp_url) as connection:
        await (await connection.channel()).queue_delete(rig.queue.name)
    done = terminal.run("dead-letters", "replay", "--all")
    assert (done.returncode, done.stdout) == (1, "")
    assert "done for 0, the others stay; RabbitMQ did not do it" in done.stderr
    await rig.until_ready(rig.queue.dead, 3)


async def test_what_cannot_be_done_is_said(rig: Rig, terminal: Terminal) -> None:
    known = terminal.rows("dead-letters", "list")[0]["id"]
    for arguments, text in (
        (("show", "nothing"), "no dead letter nothing"),
        (("replay", "nothing"), "done for 0; there is no dead letter nothing"),
        (("drop", "nothing", known, "--yes"), "done for 1; there is no dead letter nothing"),
        (("list", "--queue", "events.nothing"), "no event queue events.nothing"),
    ):
        done = terminal.run("dead-letters", *arguments)
        assert (done.returncode, text in done.stderr) == (1, True), done.stderr
    assert terminal.run("dead-letters", "replay").returncode == 2
    assert terminal.run("dead-letters", "replay", known, "--all").returncode == 2
    away = terminal.run("dead-letters", "list", AMQP_URL="amqp://guest:guest@127.0.0.1:1/")
    assert (away.returncode, "RabbitMQ did not do it" in away.stderr) == (1, True)
    assert await rig.ready(rig.queue.dead) == 2


async def test_an_erased_account_is_forgotten_and_no_other(rig: Rig, terminal: Terminal) -> None:
    mine, others = Event(Fact.SEND_REQUESTED, 7, 1, 1, 0), event(9)
    async with await aio_pika.connect(rig.amqp_url) as connection:
        channel = await connection.channel()
        for queue in (rig.queue.dead, rig.queue.retries[-1]):
            await channel.default_exchange.publish(batch_message([mine, others, mine], attempts=4), queue)
            await channel.default_exchange.publish(batch_message([mine]), queue)
    async with connected(rig.amqp_url, "test") as session:
        assert await forget_account(session, rig.queue, 7) == 6
        assert await forget_account(session, rig.queue, 7) == 0
    await rig.until_ready(rig.queue.retries[-1], 1)
    left = [(row["account_id"], row["message_id"], row["attempts"]) for row in terminal.rows("dead-letters", "list")]
    assert sorted(left) == [(1, 1, 5), (1, 2, 5), (1, 3, 5), (1, 9, 4)]


async def test_queues_say_what_waits(rig: Rig, terminal: Terminal) -> None:
    await rig.publish([event(1)._replace(at=dates.now() - 70_000)])
    await terminal.value(
        "insert into outbox (account_id, message_id, change_seq, kind, at) "
        "values (1, 1, 1, 1, now() - interval '90 seconds') returning id"
    )
    rows = {row["queue"]: row for row in terminal.rows("queues", "--lag")}
    assert rows["outbox"]["waiting"] == 1
    assert 90 <= rows["outbox"]["oldest_seconds"] < 200
    assert (rows[rig.queue.name]["waiting"], rows[rig.queue.name]["consumers"]) == (1, 0)
    assert 70 <= rows[rig.queue.name]["oldest_seconds"] < 200
    assert rows[rig.queue.dead]["waiting"] == 3
    assert rows["commands.messages"]["queue"] == "commands.messages"
    await rig.until_ready(rig.queue.name, 1)


async def test_what_can_be_seen_is_shown_while_the_other_half_is_away(rig: Rig, terminal: Terminal) -> None:
    nowhere = "127.0.0.1:1/"
    done = terminal.run("queues", DATABASE_URL=f"postgresql://nobody@{nowhere}")
    assert (done.returncode, rig.queue.dead in done.stdout, "database" in done.stderr) == (1, True, True)
    done = terminal.run("queues", AMQP_URL=f"amqp://guest:guest@{nowhere}")
    assert (done.returncode, "outbox" in done.stdout, "RabbitMQ" in done.stderr) == (1, True, True)
