"""What operators do for accounts and applications after they were created, on a real database."""

import json

import pytest

from services.accounts.tokens import digest
from tests.integration.terminal import NUMBER, Terminal


async def test_another_key_takes_the_place_of_one_and_its_tokens_stay(terminal: Terminal) -> None:
    key = terminal.row("keys", "create", "demo")
    terminal.row("tokens", "create", "--account", f"id:{terminal.account()}", "--key", str(key["id"]))
    rotated = terminal.row("keys", "rotate", str(key["id"]))
    assert rotated["id"] == key["id"]
    assert await terminal.value("select key_hash from api_key") == digest(rotated["api_key"])
    assert await terminal.value("select api_key_id from token where revoked_at is null") == key["id"]


async def test_a_key_that_an_application_has_is_read_and_not_shown(terminal: Terminal) -> None:
    theirs = "key-of-an-old-application"
    done = terminal.run("keys", "create", "old", "--stdin", "--json", text=theirs + "\n")
    assert json.loads(done.stdout).keys() == {"id", "name"}
    assert await terminal.value("select name from api_key where key_hash = $1", digest(theirs)) == "old"
    other = str(terminal.row("keys", "create", "new")["id"])
    for arguments in (("keys", "create", "again", "--stdin"), ("keys", "rotate", other, "--stdin")):
        again = terminal.run(*arguments, text=theirs + "\n")
        assert (again.returncode, again.stdout) == (1, "")
    assert terminal.run("keys", "create", "short", "--stdin", text="0123456789abcde\n").returncode == 1
    assert await terminal.value("select count(*) from api_key") == 2


async def test_an_account_is_shown_without_its_secrets(terminal: Terminal) -> None:
    account_id = terminal.account()
    key_id = str(terminal.row("keys", "create", "demo")["id"])
    terminal.row("tokens", "create", "--account", f"id:{account_id}", "--key", key_id)
    shown = terminal.row("accounts", "show", f"+{NUMBER}")
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": account_id, "msisdn": NUMBER, "disabled": False, "has_password": True, "has_login_key": False,
        "blocked_until": None, "tokens": 1, "contacts": 0,
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [("accounts", "unblock"), ("accounts", "password")])
async def test_a_block_is_shown_and_ended(terminal: Terminal, arguments: tuple[str, str]) -> None:
    account = f"id:{terminal.account()}"
    for _ in range(5):
        await terminal.value("select count_wrong_password($1)", NUMBER)
    assert terminal.row("accounts", "show", account)["blocked_until"].endswith("Z")
    terminal.row(*arguments, account, text="new\n")
    assert terminal.row("accounts", "show", account)["blocked_until"] is None
    assert await terminal.value("select count(*) from login_attempt") == 0


async def test_a_number_is_changed_with_its_password_kept_and_removed_with_it(terminal: Terminal) -> None:
    account = f"id:{terminal.account()}"
    hashed = await terminal.value("select password_hash from account")
    for number in (NUMBER, "436990000002"):
        await terminal.value("select count_wrong_password($1)", number)
    assert terminal.row("accounts", "set-number", account, "+436990000002")["msisdn"] == "436990000002"
    assert await terminal.value("select password_hash from account where msisdn = '436990000002'") == hashed
    assert await terminal.value("select count(*) from login_attempt") == 0
    assert terminal.row("accounts", "remove-number", account)["msisdn"] is None
    assert await terminal.value("select coalesce(msisdn, password_hash) from account") is None
    again = terminal.run("accounts", "set-number", account, NUMBER)
    assert again.returncode == 0
    assert again.stderr.startswith("warning: the account cannot log in before it has a password")
    assert terminal.row("accounts", "password", account, text="new\n")


def test_a_number_has_one_account_at_most(terminal: Terminal) -> None:
    first, second = terminal.account(), terminal.account("436990000002")
    taken = terminal.run("accounts", "set-number", f"id:{second}", NUMBER)
    assert (taken.returncode, taken.stdout) == (1, "")
    assert terminal.row("accounts", "show", f"+{NUMBER}")["id"] == first


async def test_tokens_are_listed_without_secrets_and_revoked_by_fingerprint(terminal: Terminal) -> None:
    account, other = f"id:{terminal.account()}", f"id:{terminal.account('436990000002')}"
    key_id = terminal.row("keys", "create", "demo")["id"]
    tokens = [
        terminal.row("tokens", "create", "--account", whose, "--key", str(key_id))["auth_token"]
        for whose in (account, account, other)
    ]
    listed = terminal.rows("tokens", "list", "--account", account)
    assert [row["fingerprint"] for row in listed] == [digest(token).hex()[:16] for token in tokens[:2]]
    assert [(row["key_id"], row["key_name"]) for row in listed] == [(key_id, "demo")] * 2
    assert not any(token in terminal.run("tokens", "list", "--account", account).stdout for token in tokens)
    for fingerprint, code in ((digest(tokens[2]).hex()[:16], 1), (listed[0]["fingerprint"], 0)):
        done = terminal.run("tokens", "revoke", "--account", account, "--fingerprint", fingerprint)
        assert done.returncode == code
    assert terminal.rows("tokens", "list", "--account", account) == listed[1:]
    assert len(terminal.rows("tokens", "list", "--account", other)) == 1
