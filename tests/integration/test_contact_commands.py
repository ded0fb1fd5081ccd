"""`usermessage contacts`, on a real database."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.terminal import Terminal

ONE, TWO = "+436990000001", "+436990000002"
CARDS = f"""BEGIN:VCARD
VERSION:3.0
FN:Zo\u00eb
TEL:{TWO}
TEL;TYPE=CELL:{ONE}
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:Anna
TEL:{TWO}
TEL:*100#
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:No number
END:VCARD
"""
ZOE, ANNA = {"name": "Zo\u00eb", "msisdns": [ONE, TWO]}, {"name": "Anna", "msisdns": [TWO]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contacts"
    path.write_text(CARDS)
    return path


def test_a_file_is_imported_and_listed_in_its_order(terminal: Terminal, file: Path) -> None:
    account_id = terminal.account()
    done = terminal.run("contacts", "import", f"id:{account_id}", str(file))
    counts = {"account_id": account_id, "contacts": 2, "entries_skipped": 1, "numbers_skipped": 1}
    assert done.returncode == 0
    assert dict(line.split() for line in done.stdout.splitlines()) == {key: str(value) for key, value in counts.items()}
    assert done.stderr.rstrip().endswith("card 2")
    assert terminal.rows("contacts", "list", f"id:{account_id}") == [ZOE, ANNA]
    assert terminal.run("contacts", "list", f"id:{account_id}").stdout.splitlines()[1] == f"Zo\u00eb   {ONE}, {TWO}"
    assert terminal.row("accounts", "show", f"id:{account_id}")["contacts"] == 2


def test_the_same_file_again_changes_nothing_and_another_takes_its_place(terminal: Terminal, file: Path) -> None:
    account, other = f"id:{terminal.account()}", f"id:{terminal.account('436990000009')}"
    for whose in (account, account, other):
        assert terminal.run("contacts", "import", whose, str(file)).returncode == 0
    assert terminal.rows("contacts", "list", account) == [ZOE, ANNA]
    file.write_text(f"name,number\nBob,{ONE}\n")
    assert terminal.row("contacts", "import", account, str(file))["contacts"] == 1
    assert terminal.rows("contacts", "list", account) == [{"name": "Bob", "msisdns": [ONE]}]
    assert terminal.row("contacts", "clear", account)["contacts"] == 0
    assert terminal.rows("contacts", "list", account) == []
    assert terminal.rows("contacts", "list", other) == [ZOE, ANNA]


@pytest.mark.parametrize("text", [CARDS + "BEGIN:VCARD\nFN:not closed\n", "name,mail\n", f'name,number\n"Bob,{ONE}\n'])
def test_a_file_that_cannot_be_read_leaves_the_contacts_as_they_are(terminal: Terminal, file: Path, text: str) -> None:
    account = f"id:{terminal.account()}"
    assert terminal.run("contacts", "import", account, str(file)).returncode == 0
    file.write_text(text)
    done = terminal.run("contacts", "import", account, str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("usermessage: ")
    assert "Traceback" not in done.stderr
    assert terminal.rows("contacts", "list", account) == [ZOE, ANNA]


def test_national_numbers_are_of_the_country_that_is_said_or_of_the_accounts_own(
    terminal: Terminal, file: Path
) -> None:
    file.write_text("name,number\nAnna,0699 0000001\n")
    with_number = f"id:{terminal.account()}"
    without = f"id:{terminal.row('accounts', 'create')['id']}"
    assert terminal.row("contacts", "import", with_number, str(file))["contacts"] == 1
    assert terminal.rows("contacts", "list", with_number)[0]["msisdns"] == ["+436990000001"]
    refused = terminal.run("contacts", "import", without, str(file))
    assert refused.returncode == 1
    assert "line 2: a number without country code" in refused.stderr
    for account in (with_number, without):
        assert terminal.row("contacts", "import", account, str(file), "--country-code", "49")["contacts"] == 1
        assert terminal.rows("contacts", "list", account)[0]["msisdns"] == ["+496990000001"]


def test_the_most_contacts_are_stored_and_one_more_is_refused(terminal: Terminal, file: Path) -> None:
    account = f"id:{terminal.account()}"
    rows = [f"n{place},+43699{place:07}" for place in range(10_001)]
    file.write_text("\n".join(["name,number", *rows[:-1]]))
    assert terminal.row("contacts", "import", account, str(file))["contacts"] == 10_000
    file.write_text("\n".join(["name,number", *rows]))
    assert "more than 10000 contacts" in terminal.run("contacts", "import", account, str(file)).stderr
    listed = terminal.rows("contacts", "list", account)
    assert [row["name"] for row in listed] == [f"n{place}" for place in range(10_000)]


@pytest.fixture
def two_files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        rows = [f"{path.name}{place},+43699{place:07}" for place in range(500)]
        path.write_text("\n".join(["name,number", *rows]))
    return paths


async def test_imports_at_once_leave_the_contacts_of_one_of_them(terminal: Terminal, two_files: list[Path]) -> None:
    account = f"id:{terminal.account()}"
    imports = [terminal.process("contacts", "import", account, str(path)) for path in two_files * 2]
    assert await asyncio.gather(*imports) == [0] * 4
    listed = terminal.rows("contacts", "list", account)
    assert len(listed) == 500
    assert len({str(row["name"])[0] for row in listed}) == 1
