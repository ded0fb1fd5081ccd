"""Contacts through the whole service, in both formats."""

import json
from pathlib import Path
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

import asyncpg
import pytest

from deploy.local.commands import usermessage
from services.accounts.contact_book import CONTACTS, NAME_CHARACTERS, NUMBERS
from tests.running import Account, Stack

PATH = "user/contact/contacts/get"
FILE = """name,number,mobile
"Bell, Anna & Sons",+436990000001,+436990000002
Zo\u00eb,+436990000003,
"""
LARGEST = """
insert into contact (account_id, place, name, msisdns)
select $1, place, repeat('&', $3), array_fill('+999999999999999'::text, array[$4::int])
from generate_series(1, $2::int) as place
"""


def answer(stack: Stack, account: Account, mount: str) -> bytes:
    secrets = {"apiKey": stack.api_key, "authToken": account.auth_token}
    request = Request(f"{stack.base_url}/{mount}/{PATH}", json.dumps(secrets).encode())
    with urlopen(request, timeout=60) as response:
        return bytes(response.read())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_text(FILE)
    return path


async def test_imported_contacts_are_the_accounts_own(stack: Stack, file: Path) -> None:
    account, other = await stack.accounts(2)
    usermessage(stack.settings_env, "contacts", "import", f"+{account.msisdn}", str(file))
    assert json.loads(answer(stack, account, "json")) == {
        "errorCode": 0,
        "contacts": [
            {"name": "Bell, Anna & Sons", "msisdns": ["+436990000002", "+436990000001"]},
            {"name": "Zo\u00eb", "msisdns": ["+436990000003"]},
        ],
    }
    root = ET.fromstring(answer(stack, account, "xml"))
    assert root.tag == "userContactGetContactsResponse"
    assert [(each.tag, each.text) for each in root.findall("contacts")[0]] == [
        ("name", "Bell, Anna & Sons"), ("msisdns", "+436990000002"), ("msisdns", "+436990000001"),
    ]  # fmt: skip
    assert json.loads(answer(stack, other, "json")) == {"errorCode": 0, "contacts": []}


async def test_the_largest_contacts_that_an_import_takes_are_answered_within_16_mib(stack: Stack) -> None:
    account = await stack.account()
    connection = await asyncpg.connect(stack.settings_env["DATABASE_URL"])
    try:
        await connection.execute(LARGEST, account.account_id, CONTACTS, NAME_CHARACTERS, NUMBERS)
        xml, plain = answer(stack, account, "xml"), answer(stack, account, "json")
    finally:
        await connection.execute("delete from contact where account_id = $1", account.account_id)
        await connection.close()
    assert len(xml) < 16 * 1024 * 1024
    assert len(ET.fromstring(xml).findall("contacts")) == len(json.loads(plain)["contacts"]) == CONTACTS
