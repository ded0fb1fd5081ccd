"""The examples of carriers, each against a server that answers as the carrier does, with receipts and messages back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from services.delivery.carriers.carrier import (
    Accepted,
    Inbound,
    InboundPart,
    Outcome,
    Receipt,
    ReceiptState,
    Refusal,
    Refused,
    Submission,
)
from services.delivery.switchboard import Switchboard
from services.delivery.webhooks import Webhooks
from tests.free_leases import FreeLeases
from tests.unit.carrier_place import References, Unheard
from tests.unit.carrier_server import CarrierServer

EXAMPLES = Path(__file__).parents[2] / "services" / "delivery" / "carriers" / "examples"
OWN, FRIEND = "436990000001", "436990000002"
SECRETS = ("KANNEL_PASSWORD", "KANNEL_WEBHOOK_SECRET", "JSON_CARRIER_TOKEN", "JSON_CARRIER_WEBHOOK_SECRET")
# Placeholders of Kannel for the first receipt of a message.
_KANNEL = {"%d": "1", "%T": "1700000000"}


class Kept:
    def __init__(self) -> None:
        self.arrived: list[Receipt | Inbound] = []

    async def receipt(self, receipt: Receipt) -> None:
        self.arrived.append(receipt)

    async def inbound(self, inbound: Inbound) -> None:
        self.arrived.append(inbound)

    async def part(self, _: InboundPart) -> None:
        raise AssertionError


class Example:
    """An example with the addresses of the test."""

    def __init__(self, board: Switchboard, server: CarrierServer, kept: Kept, public_url: str) -> None:
        self.board = board
        self.server = server
        self.kept = kept
        self.public_url = public_url

    async def submit(self, text: str) -> Outcome:
        (name,) = self.board.names
        carrier = self.board.carrier(name)
        assert carrier is not None
        assert self.board.routes.choose(FRIEND, OWN, ()) == name
        sender = self.board.sender(name, OWN)
        return await carrier.submit(Submission(1, 2, 3, sender, FRIEND, text, 0, 4_000_000_000_000))


@asynccontextmanager
async def example(file: str, url: str, folder: Path) -> AsyncIterator[Example]:
    """Serve an example whose carrier's `url` is a server of the test."""
    server, kept = CarrierServer(), Kept()
    async with server.serving():
        copy = folder / file
        _write(copy, (EXAMPLES / file).read_text().replace(url, server.url))
        board = Switchboard(copy, kept, References(), FreeLeases(), Unheard())
        async with Webhooks(board, kept).serving("127.0.0.1", 0) as port:
            public_url = f"http://127.0.0.1:{port}"
            _write(copy, copy.read_text().replace("https://sms.example.org", public_url))
            board.reload()
            yield Example(board, server, kept, public_url)
        await board.close()


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, f"a-secret-of-{name.lower()}")


@pytest.fixture
async def kannel(tmp_path: Path) -> AsyncIterator[Example]:
    async with example("kannel.toml", "http://127.0.0.1:13013/cgi-bin/sendsms", tmp_path) as opened:
        yield opened


@pytest.fixture
async def json_api(tmp_path: Path) -> AsyncIterator[Example]:
    async with example("json_api.toml", "https://api.example.com/v1/messages", tmp_path) as opened:
        yield opened


def _write(path: Path, text: str) -> None:
    path.write_text(text)


async def _called(method: str, url: str | URL, **options: Any) -> None:
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as response:
        assert response.status == 200
        assert await response.text() == ""


async def test_kannel_takes_a_message_and_tells_its_delivery(kannel: Example) -> None:
    kannel.server.answers(202, "0: Accepted for delivery")
    assert await kannel.submit("Grüße & 漢") == Accepted(("here-3",))
    (asked,) = kannel.server.asked
    dlr_url = asked.query.pop("dlr-url")
    assert dict(asked.query) == {
        "username": "usermessage",
        "password": "a-secret-of-kannel_password",
        "from": OWN,
        "to": f"+{FRIEND}",
        "text": "Grüße & 漢",
        "charset": "UTF-8",
        "coding": "2",
        "validity": asked.query["validity"],
        "dlr-mask": "19",
    }
    for placeholder, value in _KANNEL.items():
        dlr_url = dlr_url.replace(placeholder, value)
    await _called("GET", dlr_url)
    assert kannel.kept.arrived == [
        Receipt("kannel", "here-3", None, ReceiptState.DELIVERED, "1", 1_700_000_000_000),
    ]


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (202, "3: Queued for later delivery", Accepted(("here-3",))),
        (403, "Authorization failed for sendsms", Refused(Refusal.ACCOUNT, "status 403")),
        (400, "Missing receiver number, rejected", Refused(Refusal.PERMANENT, "status 400")),
        (503, "Temporal failure, try again later.", Refused(Refusal.SLOW_DOWN, "status 503")),
    ],
)
async def test_what_kannel_answers(kannel: Example, status: int, text: str, outcome: Outcome) -> None:
    kannel.server.answers(status, text)
    assert await kannel.submit("a text") == outcome


async def test_kannel_brings_a_message(kannel: Example) -> None:
    url = _kannels_get_url().replace("https://sms.example.org", kannel.public_url)
    values = {"SECRET": "a-secret-of-kannel_webhook_secret", "%I": "u-1", "%p": "%2B" + FRIEND, "%P": OWN}
    values |= {"%b": "%00a%6F%22", "%C": "UTF-16BE", "%T": "1700000000"}
    for placeholder, value in values.items():
        url = url.replace(placeholder, value)
    await _called("GET", URL(url, encoded=True))
    assert kannel.kept.arrived == [Inbound("kannel", "u-1", FRIEND, OWN, "a漢", 1_700_000_000_000)]


async def test_the_json_api_takes_a_message_and_tells_its_delivery(json_api: Example) -> None:
    json_api.server.answers(200, '{"status": "accepted", "parts": [{"id": "p-1"}, {"id": "p-2"}]}')
    assert await json_api.submit('"}' + "a" * 160) == Accepted(("p-1", "p-2"))
    (asked,) = json_api.server.asked
    assert asked.headers["Authorization"] == "Bearer a-secret-of-json_carrier_token"
    body = orjson.loads(asked.body)
    assert isinstance(body.pop("validitySeconds"), int)
    callback = body.pop("callback")
    assert body == {
        "from": "Example",
        "to": f"+{FRIEND}",
        "text": '"}' + "a" * 160,
        "alphabet": "GSM",
        "reference": "here-3",
    }
    receipts = [{"id": "p-2", "status": "delivered", "time": "2023-11-14T22:13:20Z"}, {"id": "p-1", "status": "queued"}]
    await _called("POST", callback, json={"receipts": receipts}, headers=_bearer())
    found = [(each.carrier_id, each.state) for each in json_api.kept.arrived if isinstance(each, Receipt)]
    assert found == [("p-2", ReceiptState.DELIVERED), ("p-1", ReceiptState.INTERMEDIATE)]


async def test_the_json_api_brings_a_message(json_api: Example) -> None:
    body = {"id": "m-1", "from": f"+{FRIEND}", "to": f"+{OWN}", "text": "hello", "time": "2023-11-14T22:13:20Z"}
    url = f"{json_api.public_url}/carriers/json/inbound"
    await _called("POST", url, json=body, headers=_bearer())
    assert json_api.kept.arrived == [Inbound("json", "m-1", FRIEND, OWN, "hello", 1_700_000_000_000)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("too_fast", Refusal.SLOW_DOWN),
        ("invalid_number", Refusal.PERMANENT),
        ("no_credit", Refusal.ACCOUNT),
        ("hiccup", Refusal.TEMPORARY),
    ],
)
async def test_what_codes_of_the_json_api_mean(json_api: Example, code: str, kind: Refusal) -> None:
    json_api.server.answers(200, orjson.dumps({"status": "refused", "error": {"code": code}}).decode())
    assert await json_api.submit("a text") == Refused(kind, f"status 200, code {code}")


async def test_a_carrier_that_asks_to_wait_is_waited_for(json_api: Example) -> None:
    json_api.server.answers(429, "", Retry_After="17")
    assert await json_api.submit("a text") == Refused(Refusal.SLOW_DOWN, "status 429", 17.0)


def _bearer() -> dict[str, str]:
    return {"Authorization": "Bearer a-secret-of-json_carrier_webhook_secret"}


def _kannels_get_url() -> str:
    lines = (EXAMPLES / "kannel.toml").read_text().splitlines()
    (line,) = [line for line in lines if "get-url" in line]
    return line.partition('"')[2].rstrip('"')
