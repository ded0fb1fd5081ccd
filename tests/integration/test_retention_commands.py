"""`usermessage retention` on a real database."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.servers import Servers
from shared.contract import dates
from tests.integration.mailbox_rig import Rig, mailbox_rig, message
from tests.integration.terminal import NUMBER, Terminal, terminal_of

DAY = 86_400_000
ACCOUNT = f"+{NUMBER}"
# As many days old are the messages of each account; the second one is locked.
AGES = (5, 20, 40, 60, 80)
_LEFT = "select count(*) from message where account_id = $1 and not deleted"
_CHANGES = (
    "select (select sum(last_change_seq) from mailbox), (select count(*) from outbox), free_at from retention_pass"
)


@pytest.fixture(scope="module")
async def terminal(servers: Servers) -> AsyncIterator[Terminal]:
    async with terminal_of(servers) as terminal:
        yield terminal


@pytest.fixture
async def rig(terminal: Terminal) -> AsyncIterator[Rig]:
    await terminal.value("truncate account, mailbox, conversation, message, outbox cascade")
    async with mailbox_rig(terminal.environment["DATABASE_URL"]) as rig:
        yield rig


async def filled(terminal: Terminal, rig: Rig, number: str = NUMBER) -> int:
    """Return a new account with messages."""
    account = terminal.account(number)
    await rig.insert(
        *(message(account, date_sent=dates.now() - age * DAY)._replace(locked=age == AGES[1]) for age in AGES)
    )
    return account


async def test_days_are_set_and_shown(terminal: Terminal, rig: Rig) -> None:
    account = terminal.account()
    shown = {"account_id": account, "days": 0, "own_days": None, "default_days": 0}
    assert terminal.row("retention", "show", ACCOUNT) == shown
    assert await rig.rows("select from mailbox") == []
    for days, own, counts in (("30", 30, 30), ("0", 0, 0), ("default", None, 0), ("36500", 36500, 36500)):
        expected = shown | {"days": counts, "own_days": own}
        assert terminal.row("retention", "set", ACCOUNT, days) == expected
        assert terminal.row("retention", "show", f"id:{account}") == expected
    assert terminal.row("retention", "show") == {"default_days": 0, "accounts_with_own_days": 1, "last_pass": None}
    await rig.rows("update retention_pass set ended_at = '2026-01-02T03:04:05.678Z'")
    done = terminal.run("retention", "show", RETENTION_DAYS="50")
    assert done.stdout.split() == [
        "default_days", "50", "accounts_with_own_days", "1", "last_pass", "2026-01-02T03:04:05.678Z",
    ]  # fmt: skip


async def test_a_dry_run_tells_what_the_run_does(terminal: Terminal, rig: Rig) -> None:
    numbers = [f"43699000000{nth}" for nth in range(4)]
    own, as_all, never, young = [await filled(terminal, rig, number) for number in numbers]
    for account, days in ((own, "10"), (never, "0"), (young, "100")):
        terminal.row("retention", "set", f"id:{account}", days)
    before = await rig.rows(_CHANGES)
    expected = (
        f'{{"account_id": {own}, "days": 10, "messages": 3}}\n'
        f'{{"account_id": {as_all}, "days": 50, "messages": 2}}\n'
        '{"dry_run": true, "accounts": 2, "messages": 5}\n'
    )
    dry = terminal.run("retention", "run", "--dry-run", "--json", RETENTION_DAYS="50")
    assert (dry.returncode, dry.stderr, dry.stdout) == (0, "", expected)
    assert await rig.rows(_CHANGES) == before
    done = terminal.run("retention", "run", "--json", RETENTION_DAYS="50")
    assert (done.returncode, done.stdout) == (0, expected.replace("true", "false"))
    assert [await terminal.value(_LEFT, account) for account in (own, as_all, never, young)] == [2, 3, 5, 5]
    await rig.assert_counted(own, as_all, never, young)
    again = terminal.rows("retention", "run", "--dry-run")
    assert again == [{"dry_run": True, "accounts": 0, "messages": 0}]


async def test_one_account_may_be_meant(terminal: Terminal, rig: Rig) -> None:
    account, other = await filled(terminal, rig), await filled(terminal, rig, "436990000002")
    terminal.row("retention", "set", f"id:{other}", "10")
    arguments = ("retention", "run", "--account", ACCOUNT)
    nothing = {"dry_run": False, "accounts": 0, "messages": 0}
    assert terminal.rows(*arguments) == [nothing]
    for days, messages in ((50, 2), (10, 1)):
        terminal.row("retention", "set", ACCOUNT, str(days))
        dry, done = terminal.rows(*arguments, "--dry-run"), terminal.rows(*arguments)
        assert dry[:-1] == done[:-1] == [{"account_id": account, "days": days, "messages": messages}]
        assert terminal.rows(*arguments) == [nothing]
    assert terminal.run(*arguments).stdout.split() == ["dry_run", "no", "accounts", "0", "messages", "0"]
    assert [await terminal.value(_LEFT, each) for each in (account, other)] == [2, 5]


async def test_all_accounts_are_gone_through(terminal: Terminal, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mailbox.expiry._SLICE", 2)
    several = [await filled(terminal, rig, f"43699000000{nth}") for nth in range(5)]
    terminal.row("retention", "set", f"id:{several[1]}", "0")
    terminal.row("retention", "set", f"id:{several[4]}", "30")
    done = terminal.run("retention", "run", "--json", RETENTION_DAYS="70")
    assert done.stdout.endswith('{"dry_run": false, "accounts": 4, "messages": 6}\n')
    assert [await terminal.value(_LEFT, account) for account in several] == [4, 5, 4, 4, 2]


async def test_a_mailbox_in_use_is_said(terminal: Terminal, rig: Rig) -> None:
    account, other = await filled(terminal, rig), await filled(terminal, rig, "436990000002")
    for each in (account, other):
        terminal.row("retention", "set", f"id:{each}", "30")
    async with rig.locked(account):
        dry = terminal.rows("retention", "run", "--dry-run")
        assert dry[-1] == {"dry_run": True, "accounts": 2, "messages": 6}
        done = terminal.run("retention", "run", "--json")
    assert (done.returncode, done.stderr) == (1, "usermessage: mailboxes in use, in which some are left: 1\n")
    assert done.stdout.splitlines()[0] == f'{{"account_id": {other}, "days": 30, "messages": 3}}'
    assert terminal.rows("retention", "run")[-1] == {"dry_run": False, "accounts": 1, "messages": 3}


async def test_what_is_not_there_is_exit_code_1_and_wrong_usage_2(terminal: Terminal, rig: Rig) -> None:
    terminal.account()
    for arguments in (("show", "+436990009999"), ("set", "id:999999", "30"), ("run", "--account", "nobody")):
        done = terminal.run("retention", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("usermessage: ")
    wrong: list[tuple[str, ...]] = [("set", ACCOUNT, days) for days in ("", "x", "36501", "1.5", "9" * 5000, "\u0663")]
    for usage in ((), ("set",), ("set", ACCOUNT), ("run", "--dry"), ("erase",), *wrong):
        assert terminal.run("retention", *usage).returncode == 2
    assert terminal.run("retention", "set", ACCOUNT, "--", "-1").returncode == 2
    assert terminal.run("retention", "run", RETENTION_DAYS="-1").returncode == 2
    assert await rig.rows("select from mailbox") == []


async def test_a_mailbox_in_use_is_waited_for_with_its_days(terminal: Terminal, rig: Rig) -> None:
    account = await filled(terminal, rig)
    async with rig.locked(account):
        setting = asyncio.create_task(asyncio.to_thread(terminal.row, "retention", "set", ACCOUNT, "30"))
        await asyncio.sleep(0.5)
        assert not setting.done()
    assert (await setting)["own_days"] == 30


async def test_a_mailbox_has_no_days_below_0(terminal: Terminal, rig: Rig) -> None:
    await filled(terminal, rig)
    with pytest.raises(asyncpg.CheckViolationError):
        await rig.rows("update mailbox set retention_days = -1")
