"""The `usermessage` command line on a real database and broker."""

import json
import os
import subprocess
import sys
import time

import orjson
import pytest

from services.accounts.passwords import Passwords
from services.accounts.tokens import digest
from tests.integration.terminal import NUMBER, ROOT, Terminal
from tests.integration.watching import revocations


def test_it_runs_as_a_program(migrated: Terminal) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "services.cli", "keys", "create", "demo", "--json"),
        cwd=ROOT, env={**os.environ, **migrated.environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["name"] == "demo"


def test_migrating_again_says_that_there_is_nothing_to_do(terminal: Terminal) -> None:
    assert terminal.run("migrate").stdout == "nothing to apply\n"
    assert terminal.row("migrate", "--after") == {"applied": []}


async def test_keys_are_shown_once_and_listed_without_their_secret(terminal: Terminal) -> None:
    key = terminal.row("keys", "create", "demo")
    assert await terminal.value("select id from api_key where key_hash = $1", digest(key["api_key"])) == key["id"]
    (listed,) = terminal.rows("keys", "list")
    assert listed.keys() == {"id", "name", "disabled", "created_at"}
    assert key["api_key"] not in terminal.run("keys", "list").stdout


async def test_keys_can_be_disabled_and_enabled(terminal: Terminal) -> None:
    key_id = str(terminal.row("keys", "create", "demo")["id"])
    assert terminal.row("keys", "disable", key_id) == {"id": int(key_id), "disabled": True}
    assert await terminal.value("select disabled from api_key")
    assert terminal.row("keys", "enable", key_id) == {"id": int(key_id), "disabled": False}
    assert not await terminal.value("select disabled from api_key")


async def test_a_password_comes_from_standard_input_and_is_not_trimmed(terminal: Terminal) -> None:
    created = terminal.row("accounts", "create", f"+{NUMBER}", text=" secret \r\nignored\n")
    assert created.keys() == {"id", "msisdn"}
    hashed = await terminal.value("select password_hash from account where msisdn = $1", NUMBER)
    with Passwords() as passwords:
        assert await passwords.right(" secret ", hashed)


async def test_another_password_replaces_the_old_one(terminal: Terminal) -> None:
    terminal.account()
    terminal.row("accounts", "password", f"+{NUMBER}", text="changed\n")
    hashed = await terminal.value("select password_hash from account")
    with Passwords() as passwords:
        assert await passwords.right("changed", hashed)
        assert not await passwords.right("secret", hashed)


async def test_an_account_without_number_gets_a_token_and_no_password(terminal: Terminal) -> None:
    key_id = terminal.row("keys", "create", "demo")["id"]
    created = terminal.row("accounts", "create", "--with-token", str(key_id))
    assert created["msisdn"] is None
    found = await terminal.value("select account_id from token where token_hash = $1", digest(created["auth_token"]))
    assert found == created["id"]
    assert terminal.run("accounts", "password", f"id:{created['id']}", text="x\n").returncode == 1


async def test_two_hundred_accounts_are_imported_in_seconds_in_their_order(terminal: Terminal) -> None:
    key_id = terminal.row("keys", "create", "demo")["id"]
    numbers = [str(436990000001 + place) for place in range(200)]
    lines = "".join(json.dumps({"msisdn": number, "password": f"p{number}"}) + "\n" for number in numbers)
    began = time.monotonic()
    rows = terminal.rows("accounts", "import", "--with-token", str(key_id), text=lines)
    assert time.monotonic() - began < 30
    assert [row["msisdn"] for row in rows] == numbers
    query = "select count(*) from token join account on id = account_id where token_hash = $1 and msisdn = $2"
    assert await terminal.value(query, digest(rows[77]["auth_token"]), numbers[77]) == 1
    hashed = await terminal.value("select password_hash from account where id = $1", rows[77]["id"])
    with Passwords() as passwords:
        assert await passwords.right(f"p{numbers[77]}", hashed)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"msisdn": "x", "password": "y"}', '{"msisdn": "436990000002"}',
             '{"msisdn": "436990000002", "password": ""}', '{"msisdn": "436990000001", "password": "y"}']
)  # fmt: skip
async def test_a_bad_line_stores_nothing_of_its_part(terminal: Terminal, line: str) -> None:
    text = json.dumps({"msisdn": NUMBER, "password": "y"}) + "\n" + line + "\n"
    done = terminal.run("accounts", "import", text=text)
    assert (done.returncode, done.stdout) == (1, "")
    assert NUMBER not in done.stderr
    assert await terminal.value("select count(*) from account") == 0


def test_digits_that_are_one_accounts_number_and_anothers_id_are_not_guessed(terminal: Terminal) -> None:
    first = terminal.account()
    second = terminal.account(str(first))
    assert terminal.run("accounts", "disable", str(first)).returncode == 1
    assert terminal.row("accounts", "disable", f"id:{first}") == {"id": first, "disabled": True}
    assert terminal.row("accounts", "disable", f"+{first}") == {"id": second, "disabled": True}


def test_accounts_are_listed_by_id_page_by_page(terminal: Terminal) -> None:
    first, second = terminal.account(), terminal.account("436990000002")
    assert [row["id"] for row in terminal.rows("accounts", "list")] == [first, second]
    assert [row["id"] for row in terminal.rows("accounts", "list", "--limit", "1")] == [first]
    (row,) = terminal.rows("accounts", "list", "--after", str(first))
    assert (row["msisdn"], row["disabled"]) == ("436990000002", False)


async def test_tokens_are_revoked_one_by_one_by_key_or_all(terminal: Terminal) -> None:
    account = f"id:{terminal.account()}"
    keys = [str(terminal.row("keys", "create", name)["id"]) for name in ("one", "two")]
    tokens = [
        terminal.row("tokens", "create", "--account", account, "--key", keys[place])["auth_token"]
        for place in (0, 0, 1, 1)
    ]
    left = "select count(*) from token where revoked_at is null"
    assert terminal.row("tokens", "revoke", "--stdin", text=tokens[0] + "\n")["revoked"] == 1
    assert await terminal.value(left + " and token_hash = $1", digest(tokens[0])) == 0
    assert terminal.run("tokens", "revoke", "--stdin", text=tokens[0] + "\n").returncode == 1
    assert terminal.row("tokens", "revoke", "--account", account, "--key", keys[1])["revoked"] == 2
    assert await terminal.value(left) == 1
    assert terminal.row("tokens", "revoke", "--account", account, "--all")["revoked"] == 1
    assert await terminal.value(left) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "disable", "999"),
        ("keys", "rotate", "999"),
        ("accounts", "show", "id:99999"),
        ("accounts", "unblock", "id:99999"),
        ("accounts", "set-number", "id:99999", NUMBER),
        ("accounts", "set-number", "id:99999", "number"),
        ("accounts", "remove-number", "id:99999"),
        ("tokens", "list", "--account", "id:99999"),
        ("contacts", "list", "id:99999"),
        ("contacts", "clear", "id:99999"),
        ("contacts", "import", "id:99999", "none.vcf"),
        ("accounts", "disable", "+436990009999"),
        ("accounts", "enable", "id:99999"),
        ("accounts", "enable", "nobody"),
        ("accounts", "create", "0436990000001"),
        ("accounts", "create", NUMBER),
        ("accounts", "create", "--with-token", "999"),
        ("tokens", "create", "--account", "id:99999", "--key", "1"),
    ],
)
def test_what_is_not_there_or_not_usable_is_exit_code_1(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    done = terminal.run(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("usermessage: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "disable", "x"),
        ("keys", "disable", "9" * 19),
        ("keys", "disable", "0"),
        ("keys", "erase"),
        ("accounts", "create", "--with-token", "9" * 19),
        ("accounts", "list", "--after", "9" * 19),
        ("tokens", "create", "--account", "id:1", "--key", "9" * 19),
        ("tokens", "list"),
        ("tokens", "revoke"),
        ("tokens", "revoke", "--account", "id:1"),
        ("tokens", "revoke", "--account", "id:1", "--all", "--stdin"),
        ("tokens", "revoke", "--account", "id:1", "--all", "--key", "1"),
        ("tokens", "revoke", "--all"),
        ("tokens", "revoke", "--account", "id:1", "--all", "--fingerprint", "x"),
        ("tokens", "revoke", "--fingerprint", "x"),
        ("contacts", "import", "id:1"),
        ("contacts", "import", "id:1", "x.vcf", "--country-code", "999"),
    ],
)
def test_wrong_usage_is_exit_code_2(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    assert terminal.run(*arguments, text="x\n").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("accounts", "create", NUMBER), "\udcff\n"),
        (("accounts", "create", NUMBER), "a\0b\n"),
        (("accounts", "create", NUMBER), ""),
        (("accounts", "create", NUMBER), "\n"),
        (("accounts", "import"), '{"msisdn": "436990000001", "password": "a\\u0000b"}\n'),
        (("accounts", "import"), '{"msisdn": "436990000001", "password": "\udcff"}\n'),
        (("keys", "create", "demo", "--stdin"), "\udcff" * 20),
    ],
)
async def test_secrets_that_nobody_can_send_are_exit_code_1(
    terminal: Terminal, arguments: tuple[str, ...], text: str
) -> None:
    done = terminal.run(*arguments, text=text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("usermessage: ")
    assert await terminal.value("select count(*) from account") == 0


def test_settings_that_cannot_be_read_are_exit_code_2(terminal: Terminal) -> None:
    assert terminal.run("keys", "list", PORT="many").returncode == 2


def test_a_database_that_is_away_is_exit_code_1_and_no_traceback(terminal: Terminal) -> None:
    done = terminal.run("keys", "list", DATABASE_URL="postgresql://usermessage@127.0.0.1:1/usermessage")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_without_a_broker_the_change_is_stored_and_said_to_be_late(terminal: Terminal) -> None:
    account = f"id:{terminal.account()}"
    done = terminal.run("accounts", "disable", account, AMQP_URL="amqp://guest:guest@127.0.0.1:1/")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: RabbitMQ is away")
    assert terminal.rows("accounts", "list")[0]["disabled"]


async def test_gateways_hear_of_what_was_disabled_enabled_and_revoked(terminal: Terminal) -> None:
    account_id = terminal.account()
    account, key_id = f"id:{account_id}", terminal.row("keys", "create", "demo")["id"]
    async with revocations(terminal.environment["AMQP_URL"]) as queue:
        terminal.row("accounts", "disable", account)
        terminal.row("accounts", "enable", account)
        terminal.row("tokens", "revoke", "--account", account, "--all")
        terminal.row("accounts", "set-number", account, "436990000002")
        terminal.row("accounts", "remove-number", account)
        terminal.row("keys", "disable", str(key_id))
        terminal.row("keys", "rotate", str(key_id))
        heard = [orjson.loads((await queue.get(timeout=5)).body) for _ in range(7)]
    assert heard == [
        *({"account_id": account_id, "application_id": None} for _ in range(5)),
        *({"account_id": None, "application_id": key_id} for _ in range(2)),
    ]
