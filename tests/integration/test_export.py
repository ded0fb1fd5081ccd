"""`usermessage accounts export`, on a real database."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.full_account import APPLICATION, full_account
from tests.integration.mailbox_rig import FRIEND, SHOP, Rig, mailbox_rig, message
from tests.integration.purge_rig import fill
from tests.integration.terminal import NUMBER, ROOT, Terminal
from tests.reliability.memory import resident_bytes

MANY = 100_000
# With all rows in memory it grows by more than 60 MB.
GROWTH_BYTES = 20_000_000


@pytest.fixture(scope="module")
async def rig(migrated: Terminal) -> AsyncIterator[Rig]:
    async with mailbox_rig(migrated.environment["DATABASE_URL"]) as rig:
        yield rig


def _environment(terminal: Terminal) -> dict[str, str]:
    """Return a user's, in which output is buffered."""
    return {**os.environ, **terminal.environment, "PYTHONUNBUFFERED": ""}


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@contextmanager
def _program(terminal: Terminal, account_id: int) -> Iterator[subprocess.Popen[str]]:
    """Run an export as a program of its own."""
    with subprocess.Popen(
        (sys.executable, "-m", "services.cli", "accounts", "export", f"id:{account_id}"),
        cwd=ROOT, env=_environment(terminal), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        yield program


async def test_everything_but_secrets_and_what_is_deleted_is_there(terminal: Terminal, rig: Rig) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    done = terminal.run("accounts", "export", f"+{NUMBER}")
    assert (done.returncode, done.stderr) == (0, "")
    account, login, contact, device, shop, friend, *messages, end = _lines(done.stdout)
    assert account.pop("dateCreated").endswith("Z")
    assert account == {"type": "account", "accountId": account_id, "msisdn": NUMBER, "disabled": False}
    assert login.pop("dateCreated").endswith("Z")
    assert login == {"type": "login", "application": APPLICATION, "dateRevoked": None}
    assert contact == {"type": "contact", "name": "Zoë", "msisdns": ["+436990000008"]}
    assert device.pop("deviceId") > 0
    assert device == {
        "type": "device", "os": 2, "canSendSms": True, "canReceiveCall": False, "canInitiateCall": False,
        "maxMmsSize": None, "messageHistoryLimit": 100, "dateCreated": "2013-05-07T17:30:13.123Z", "dateSynced": None,
    }  # fmt: skip
    assert (shop["address"], friend["address"], friend["messages"]) == (SHOP, FRIEND, 2)
    assert friend == {
        "type": "conversation", "address": FRIEND, "snippet": "Grüße\n", "messagesUnread": 2, "messagesUnsent": 0,
        "messages": 2, "maxMessageId": 2, "dateLastMessage": "1970-01-01T00:00:01.000Z",
    }  # fmt: skip
    assert [(each["messageId"], each["address"], each["message"]) for each in messages] == [
        (1, FRIEND, "first"), (2, FRIEND, "Grüße\n"), (4, SHOP, "kept"),
    ]  # fmt: skip
    assert messages[0] == {
        "type": "message", "messageId": 1, "address": FRIEND, "message": "first", "incoming": True, "read": False,
        "locked": False, "origin": 0, "status": 0, "dateSent": "1970-01-01T00:00:01.000Z", "dateStatus": None,
    }  # fmt: skip
    counts = {"account": 1, "login": 1, "contact": 1, "device": 1, "conversation": 2, "message": 3}
    assert end == {"type": "end", "counts": counts}
    assert "secret" not in done.stdout


async def test_an_account_without_anything_has_an_export(terminal: Terminal) -> None:
    account_id = terminal.account()
    account, end = _lines(terminal.run("accounts", "export", f"id:{account_id}").stdout)
    assert account["accountId"] == account_id
    assert set(end["counts"].values()) == {0, 1}


async def test_a_file_is_new_and_its_owners_alone(terminal: Terminal, rig: Rig, tmp_path: Path) -> None:
    account_id = await full_account(terminal, rig, NUMBER)
    file = tmp_path / "export.jsonl"
    shown = terminal.row("accounts", "export", NUMBER, "--output", str(file))
    assert (shown["account_id"], shown["message"]) == (account_id, 3)
    assert file.read_text(encoding="utf-8") == terminal.run("accounts", "export", NUMBER).stdout
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    for wrong in (file, tmp_path / "nowhere" / "export.jsonl"):
        again = terminal.run("accounts", "export", NUMBER, "--output", str(wrong))
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr.startswith(f"usermessage: cannot write {wrong}: ")
    assert file.read_bytes() == before


async def test_a_file_that_is_not_whole_does_not_stay(terminal: Terminal, rig: Rig, tmp_path: Path) -> None:
    await full_account(terminal, rig, NUMBER)
    file = tmp_path / "export.jsonl"
    await rig.rows("alter table message rename to hidden")
    try:
        assert terminal.run("accounts", "export", NUMBER, "--output", str(file)).returncode == 1
    finally:
        await rig.rows("alter table hidden rename to message")
    assert not file.exists()


async def test_nobody_is_exported_with_exit_code_1(terminal: Terminal) -> None:
    done = terminal.run("accounts", "export", "+436990009999")
    assert (done.returncode, done.stdout) == (1, "")


async def test_it_is_one_moment_whatever_is_written_meanwhile(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    # More conversations than a pipe holds, so it has not come to the messages when the first line is read.
    await rig.insert(*(message(account_id, f"{FRIEND}{n}") for n in range(2000)))
    with _program(terminal, account_id) as program:
        assert program.stdout is not None
        assert json.loads(program.stdout.readline())["type"] == "account"
        await rig.rows("select message_remove_list($1, array(select generate_series(1, 1500)))", account_id)
        await rig.insert(message(account_id))
        lines = _lines(program.stdout.read())
    assert program.returncode == 0
    counts = Counter(line["type"] for line in lines)
    assert (counts["conversation"], counts["message"]) == (2000, 2000)
    assert lines[-1]["counts"]["message"] == 2000


async def test_a_reader_that_leaves_ends_it_quietly(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    await rig.insert(*(message(account_id, FRIEND, "a" * 200) for _ in range(2000)))
    with _program(terminal, account_id) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode == 1


def test_a_full_disk_is_said(terminal: Terminal) -> None:
    account_id = terminal.account()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            (sys.executable, "-m", "services.cli", "accounts", "export", f"id:{account_id}"), check=False,
            cwd=ROOT, env=_environment(terminal), text=True, stdout=full, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "usermessage: cannot write to standard output: No space left on device\n"


async def test_a_large_account_takes_little_memory(terminal: Terminal, rig: Rig) -> None:
    account_id = terminal.account()
    await fill(rig.url, account_id, MANY, FRIEND)
    with _program(terminal, account_id) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        before = most = resident_bytes(program.pid)
        for nth, line in enumerate(program.stdout):  # noqa: B007 - the last one counts
            if nth % 5000 == 0:
                most = max(most, resident_bytes(program.pid))
    assert json.loads(line)["counts"]["message"] == MANY
    assert most - before < GROWTH_BYTES
