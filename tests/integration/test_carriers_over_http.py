"""A delivery worker with an HTTP carrier: messages out, receipts and messages in, guards and the file read again."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.local.ports import free_port
from deploy.local.servers import Servers
from services.delivery.guards import Reason
from tests.integration.delivery_rows import rows, timeline
from tests.integration.test_deliveries import page
from tests.integration.test_twins import SEND, until
from tests.reliability.client import Client
from tests.running import Account, Role, Stack
from tests.unit.carrier_server import CarrierServer

SECRET = "a-secret-of-tests"
FRIEND = "436990000880"
FILE = """
[carriers.http]
kind = "http"
rate = 1000
url = "{url}"
form = {{ to = "{{recipient}}", from = "{{sender}}", text = "{{text}}" }}
answer = {{ ids = "json.id" }}
[carriers.http.receipt]
secret = "env:HOOK_SECRET"
secret_in = "query.secret"
id = "form.id"
state = "form.state"
states = {{ ok = "delivered", no = "failed" }}
[carriers.http.inbound]
secret = "env:HOOK_SECRET"
secret_in = "query.secret"
id = "form.id"
sender = "form.from"
destination = "form.to"
text = "form.text"
[[routes]]
carriers = ["http"]
[guards]
parts = {parts}
"""


# What tests before left behind, and this carrier takes over.
_DUE = """
select from delivery_job
where state in ('waiting', 'submitting') and due_at <= extract(epoch from now()) * 1000 limit 1
"""


class Carrier:
    """The carrier that the worker knows, and what it brings."""

    def __init__(self, server: CarrierServer, role: Role, file: Path, webhooks: int) -> None:
        self.server = server
        self.role = role
        self._file = file
        self._webhooks = webhooks

    def says(self, *, parts: int = 10) -> None:
        """Write the file of carriers."""
        self._file.write_text(FILE.format(url=self.server.url, parts=parts))

    async def brings(self, way: str, **form: str) -> int:
        url = f"http://127.0.0.1:{self._webhooks}/carriers/http/{way}"
        async with aiohttp.ClientSession() as session, session.post(f"{url}?secret={SECRET}", data=form) as response:
            return response.status


@asynccontextmanager
async def carrier_of(stack: Stack, folder: Path) -> AsyncIterator[Carrier]:
    """Have one delivery worker with a carrier of the test instead of the stack's."""
    server, webhooks, file = CarrierServer(), free_port(), folder / "carriers.toml"
    settings = {"CARRIERS_FILE": str(file), "WEBHOOKS_PORT": str(webhooks), "HOOK_SECRET": SECRET}
    role = stack.another("delivery", settings, folder)
    carrier = Carrier(server, role, file, webhooks)
    async with server.serving():
        carrier.says()
        usual, stack.roles["delivery"] = stack.roles["delivery"], role
        usual.stop()
        try:
            server.answers(422)
            role.start()
            await until(partial(rows, stack.settings_env["DATABASE_URL"], _DUE), lambda found: not found, seconds=30)
            yield carrier
        finally:
            role.stop()
            stack.roles["delivery"] = usual
            usual.start()


@pytest.fixture(scope="module")
async def carrier(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Carrier]:
    async with carrier_of(stack, tmp_path_factory.mktemp("carriers")) as carrier:
        yield carrier


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with Client(stack.base_url, stack.api_key) as client:
        yield client


@pytest.fixture
def url(servers: Servers) -> str:
    return servers.postgres.url


async def settled(client: Client, account: Account, **fields: Any) -> dict[str, Any]:
    """Send, wait until the message is not pending, and return it."""
    sent = await client.call(account, SEND, **{"recipient": int(FRIEND), "message": "hello", **fields})

    async def look() -> dict[str, Any]:
        return next(
            each for each in await page(client, account, f"+{FRIEND}") if each["messageId"] == sent["messageId"]
        )

    return await until(look, lambda found: found["status"] != 1)


async def test_a_message_goes_out_and_its_receipt_comes_back(
    carrier: Carrier, stack: Stack, client: Client, url: str
) -> None:
    sender = await stack.account()
    carrier.server.answers(200, '{"id": "c-1"}')
    asked = len(carrier.server.asked)
    sent = await client.call(sender, SEND, recipient=int(FRIEND), message="Grüße")
    pointer = (url, sender.account_id, sent["messageId"])
    await until(lambda: timeline(*pointer), lambda found: ("accepted", "http") in found)
    (message,) = await page(client, sender, f"+{FRIEND}")
    assert message["status"] == 1
    assert len(carrier.server.asked) == asked + 1
    assert b"from=" + sender.msisdn.encode() in carrier.server.asked[-1].body
    assert await carrier.brings("receipt", id="c-1", state="OK") == 200
    assert await carrier.brings("receipt", id="c-1", state="no") == 200
    (message,) = await until(lambda: page(client, sender, f"+{FRIEND}"), lambda found: found[0]["status"] != 1)
    assert message["status"] == 2


async def test_a_receipt_without_the_secret_is_none(carrier: Carrier) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{carrier.role.process.command.environment['WEBHOOKS_PORT']}/carriers/http/receipt"
        async with session.post(url, data={"id": "c-1", "state": "no"}) as response:
            assert response.status == 403


async def test_a_message_that_is_brought_twice_arrives_once(carrier: Carrier, stack: Stack, client: Client) -> None:
    account = await stack.account()
    form = {"id": "m-1", "from": f"+{FRIEND}", "to": account.msisdn, "text": "hello back"}
    for _ in range(2):
        assert await carrier.brings("inbound", **form) == 200
    found = await page(client, account, f"+{FRIEND}")
    assert [(each["message"], each["incoming"], each["read"]) for each in found] == [("hello back", True, False)]


async def test_who_said_stop_gets_nothing_until_start(carrier: Carrier, stack: Stack, client: Client, url: str) -> None:
    sender, other = await stack.accounts(2)
    carrier.server.answers(200, '{"id": "c-2"}')
    assert await carrier.brings("inbound", id="m-2", **{"from": FRIEND}, to=sender.msisdn, text=" Stop.") == 200
    asked = len(carrier.server.asked)
    refused = await settled(client, sender)
    assert refused["status"] == 3
    assert ("failed", Reason.OPTED_OUT) in await timeline(url, sender.account_id, refused["messageId"])
    assert len(carrier.server.asked) == asked
    sent = await client.call(other, SEND, recipient=int(FRIEND), message="from another")
    await until(lambda: timeline(url, other.account_id, sent["messageId"]), _was_accepted)
    assert await carrier.brings("inbound", id="m-3", **{"from": FRIEND}, to=sender.msisdn, text="START") == 200
    carrier.server.answers(200, '{"id": "c-3"}')
    sent = await client.call(sender, SEND, recipient=int(FRIEND), message="welcome")
    await until(lambda: timeline(url, sender.account_id, sent["messageId"]), _was_accepted)


async def test_a_stop_of_all_sending_holds_at_once(carrier: Carrier, stack: Stack, client: Client, url: str) -> None:
    sender = await stack.account()
    asked = len(carrier.server.asked)
    await rows(url, "insert into delivery_stop (at, reason) values (1, 'a test')")
    try:
        refused = await settled(client, sender)
    finally:
        await rows(url, "delete from delivery_stop")
    assert refused["status"] == 3
    assert ("failed", Reason.STOPPED) in await timeline(url, sender.account_id, refused["messageId"])
    assert len(carrier.server.asked) == asked


async def test_a_signal_reads_the_file_again(carrier: Carrier, stack: Stack, client: Client, url: str) -> None:
    sender = await stack.account()
    carrier.says(parts=1)
    os.kill(carrier.role.pid, signal.SIGHUP)
    try:
        await until(lambda: _log(carrier), lambda found: "carriers read" in found)
        refused = await settled(client, sender, message="a" * 161)
    finally:
        carrier.says()
        os.kill(carrier.role.pid, signal.SIGHUP)
    assert refused["status"] == 3
    assert ("failed", Reason.PARTS) in await timeline(url, sender.account_id, refused["messageId"])


async def _log(carrier: Carrier) -> str:
    return carrier.role.process.log.read_text()


def test_a_wrong_file_is_told_and_nothing_starts(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "carriers.toml"
    file.write_text('[carriers.one]\nkind = "smoke"\n')
    command = stack.another("delivery", {"CARRIERS_FILE": str(file)}, tmp_path).process.command
    done = subprocess.run(
        command.argv, env=command.full_environment(), cwd=command.directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == [
        "carriers.one: its kind is none of console, http, smpp",
        "routes: there is none",
    ]
    assert "Traceback" not in done.stderr


def _was_accepted(found: list[tuple[str, str]]) -> bool:
    return any(state == "accepted" for state, _ in found)
