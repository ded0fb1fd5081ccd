"""Webhooks: what a carrier brings is kept before it is answered, and whatever it sends is answered."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from prometheus_client import REGISTRY

from services.delivery.carriers.carrier import Inbound, InboundPart, Receipt, ReceiptState
from services.delivery.switchboard import Switchboard
from services.delivery.webhooks import Webhooks
from shared.contract import dates
from shared.postgres.errors import DatabaseAway
from tests.free_leases import FreeLeases
from tests.unit.carrier_place import References, Unheard

SECRET = "a-secret-of-tests"
FILE = """
[carriers.query]
kind = "http"
url = "http://127.0.0.1:1/"
[carriers.query.receipt]
secret = "env:HOOK_SECRET"
secret_in = "query.secret"
id = "query.id"
state = "query.state"
states = { DELIVRD = "delivered", UNDELIV = "failed", 3 = "expired" }
number = "query.to"
reason = "query.err"
at = "query.at"
[carriers.query.inbound]
secret = "env:HOOK_SECRET"
secret_in = "form.secret || query.secret"
sender = "form.from || query.from"
destination = "form.to || query.to"
text = "form.text || query.text"
charset = "query.charset"
at = "form.at || query.at"
reply = "taken"
[carriers.json]
kind = "http"
url = "http://127.0.0.1:1/"
[carriers.json.receipt]
secret = "env:HOOK_SECRET"
secret_in = "headers.authorization"
secret_prefix = "Bearer "
items = "json.events"
id = "item.id"
state = "item.state"
states = { ok = "delivered" }
[carriers.json.inbound]
secret = "env:HOOK_SECRET"
secret_in = "headers.authorization"
secret_prefix = "Bearer "
id = "json.id"
sender = "json.from"
destination = "json.to"
text = "json.text"
[carriers.mute]
kind = "console"
[[routes]]
carriers = ["query"]
"""
BEARER = {"Authorization": f"Bearer {SECRET}"}


class Kept:
    """Keeps what arrives, or fails with an error."""

    def __init__(self) -> None:
        self.arrived: list[Receipt | Inbound | InboundPart] = []
        self.error: Exception | None = None

    async def receipt(self, receipt: Receipt) -> None:
        await self.inbound(receipt)

    async def inbound(self, inbound: Inbound | InboundPart | Receipt) -> None:
        if self.error:
            raise self.error
        self.arrived.append(inbound)

    async def part(self, part: InboundPart) -> None:
        await self.inbound(part)


class Caller:
    """Calls as a carrier does."""

    def __init__(self, session: aiohttp.ClientSession, kept: Kept) -> None:
        self._session = session
        self.kept = kept

    async def call(self, method: str, path: str, **options: Any) -> int:
        async with self._session.request(method, path, **options) as response:
            self.text = await response.text()
            self.headers = response.headers
            return response.status

    async def inbound(self, **fields: str) -> Inbound:
        """Bring a message by a form; return it as it arrived."""
        form = {"secret": SECRET, "from": "1", "to": "2", "text": "", "at": "1", **fields}
        assert await self.call("POST", "/carriers/query/inbound", data=form) == 200
        arrived = self.kept.arrived.pop()
        assert isinstance(arrived, Inbound)
        return arrived

    async def receipt(self, **fields: str) -> Receipt:
        """Bring a receipt by a query; return it as it arrived."""
        query = {"secret": SECRET, "id": "an-id", "state": "DELIVRD", **fields}
        assert await self.call("GET", "/carriers/query/receipt", params=query) == 200
        arrived = self.kept.arrived.pop()
        assert isinstance(arrived, Receipt)
        return arrived


@pytest.fixture
async def caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    file = tmp_path / "carriers.toml"
    _write(file)
    kept = Kept()
    board = Switchboard(file, kept, References(), FreeLeases(), Unheard())
    async with (
        Webhooks(board, kept).serving("127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield Caller(session, kept)
    await board.close()


def _write(file: Path) -> None:
    file.write_text(FILE)


async def test_a_receipt_in_a_query(caller: Caller) -> None:
    receipt = await caller.receipt(to="+43 699 0000002", err="000", at="1700000000")
    assert receipt == Receipt("query", "an-id", "436990000002", ReceiptState.DELIVERED, "000", 1_700_000_000_000)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("delivrd", ReceiptState.DELIVERED),
        ("UNDELIV", ReceiptState.FAILED),
        ("3", ReceiptState.EXPIRED),
        ("ENROUTE", ReceiptState.INTERMEDIATE),
        ("", ReceiptState.INTERMEDIATE),
    ],
)
async def test_states_of_a_carrier(caller: Caller, state: str, expected: ReceiptState) -> None:
    receipt = await caller.receipt(state=state)
    assert (receipt.state, receipt.reason, receipt.number) == (expected, state.lower(), None)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1700000000", 1_700_000_000_000),
        ("1700000000.5", 1_700_000_000_500),
        ("1700000000123", 1_700_000_000_123),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-15T00:13:20+02:00", 1_700_000_000_000),
    ],
)
async def test_a_time_in_several_forms(caller: Caller, text: str, at: int) -> None:
    assert (await caller.receipt(at=text)).at == at


@pytest.mark.parametrize("text", ["", "yesterday", "-5", "99999999999999", "9" * 400, "²"])
async def test_a_time_that_cannot_be_is_now(caller: Caller, text: str) -> None:
    assert abs((await caller.receipt(at=text)).at - dates.now()) < 60_000


async def test_what_is_long_is_cut(caller: Caller) -> None:
    receipt = await caller.receipt(id="x" * 1000, err="e" * 1000)
    assert (receipt.carrier_id, receipt.reason) == ("x" * 255, "e" * 64)


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/carriers/query/receipt", {}, 403),
        ("/carriers/query/receipt?secret=", {}, 403),
        ("/carriers/query/receipt?secret=wrong&id=1", {}, 403),
        ("/carriers/query/receipt?secret=%FF%00&id=1", {}, 403),
        (f"/carriers/query/receipt?secret={SECRET}", {}, 400),
        (f"/carriers/query/receipt?secret={SECRET}&id=%20", {}, 400),
        (f"/carriers/query/receipt?secret={SECRET}&" + "&".join("x" * 300), {}, 400),
        (f"/carriers/query/inbound?secret={SECRET}&from=1&at=1", {}, 400),
        (f"/carriers/query/inbound?secret={SECRET}&to=1&at=1", {}, 400),
        (f"/carriers/query/inbound?secret={SECRET}&from=1&to=1", {}, 400),
        ("/carriers/json/receipt", {"data": b"{", "headers": BEARER}, 400),
        ("/carriers/json/receipt", {"json": {}, "headers": BEARER}, 400),
        ("/carriers/json/receipt", {"json": {"events": [{"state": "ok"}, {}]}, "headers": BEARER}, 400),
        ("/carriers/json/receipt", {"data": b"{"}, 403),
        ("/carriers/json/receipt", {"data": BytesIO(b"x" * 2_000_000)}, 403),
        ("/carriers/json/receipt", {"json": {"events": []}}, 403),
        ("/carriers/json/receipt", {"data": BytesIO(b"x" * 2_000_000), "headers": BEARER}, 413),
        ("/carriers/mute/receipt", {}, 404),
        ("/carriers/nobody/receipt", {}, 404),
        ("/carriers/query/else", {}, 404),
        ("/", {}, 404),
    ],
)
async def test_what_is_not_kept(caller: Caller, path: str, options: dict[str, Any], status: int) -> None:
    assert await caller.call("POST", path, **options) == status
    assert caller.kept.arrived == []


async def test_a_look_keeps_nothing(caller: Caller) -> None:
    path = f"/carriers/query/receipt?secret={SECRET}&id=1&state=3"
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        assert await caller.call(method, path) == 405
    assert caller.kept.arrived == []


@pytest.mark.parametrize(("error", "level"), [(DatabaseAway("gone"), "WARNING"), (RuntimeError("a bug"), "ERROR")])
async def test_what_cannot_be_kept_comes_again(
    caller: Caller, caplog: pytest.LogCaptureFixture, error: Exception, level: str
) -> None:
    caller.kept.error = error
    for way in ("receipt?id=1&", "inbound?from=1&to=2&at=1&"):
        assert await caller.call("GET", f"/carriers/query/{way}secret={SECRET}") == 503
        assert caller.headers["Retry-After"] == "5"
    assert {record.levelname for record in caplog.records} == {level}


async def test_several_receipts_in_json(caller: Caller) -> None:
    events = [{"id": "a", "state": "ok"}, {"id": 17, "state": None}]
    assert await caller.call("POST", "/carriers/json/receipt", json={"events": events}, headers=BEARER) == 200
    found = [each for each in caller.kept.arrived if isinstance(each, Receipt)]
    assert [(each.carrier_id, each.state) for each in found] == [
        ("a", ReceiptState.DELIVERED),
        ("17", ReceiptState.INTERMEDIATE),
    ]


async def test_one_that_cannot_be_read_loses_no_others(caller: Caller) -> None:
    name, labels = "usermessage_delivery_unreadable_total", {"carrier": "json", "way": "receipt"}
    before = REGISTRY.get_sample_value(name, labels) or 0
    events = [{"state": "ok"}, {"id": "a", "state": "ok"}, 5, {"id": "b"}]
    assert await caller.call("POST", "/carriers/json/receipt", json={"events": events}, headers=BEARER) == 200
    assert [each.carrier_id for each in caller.kept.arrived if isinstance(each, Receipt)] == ["a", "b"]
    assert REGISTRY.get_sample_value(name, labels) == before + 2


@pytest.mark.parametrize("body", [b"<receipt/>", b"a text", b""])
async def test_a_body_that_nobody_asks_for_may_be_anything(caller: Caller, body: bytes) -> None:
    path = f"/carriers/query/receipt?secret={SECRET}&id=1&state=3"
    assert await caller.call("POST", path, data=body, headers={"Content-Type": "text/xml"}) == 200
    assert len(caller.kept.arrived) == 1


async def test_a_message_in_a_form(caller: Caller) -> None:
    inbound = await caller.inbound(**{"from": "+43-699/0000002", "to": "0043 699 0000001", "text": "Grüße\n😀&=+"})
    assert inbound[2:5] == ("436990000002", "436990000001", "Grüße\n😀&=+")
    assert caller.text == "taken"


async def test_a_number_has_one_form_and_a_short_code_its_own(caller: Caller) -> None:
    inbound = await caller.inbound(**{"from": "+43 (0) 699 0000002", "to": "00430699 0000001"})
    assert inbound[2:4] == ("436990000002", "436990000001")
    inbound = await caller.inbound(**{"from": "0699", "to": "12345"})
    assert inbound[2:4] == ("0699", "12345")
    assert (await caller.receipt(to="4306990000002")).number == "436990000002"


async def test_a_sender_of_letters_stays(caller: Caller) -> None:
    assert (await caller.inbound(**{"from": "Fake Shop 1"})).sender == "Fake Shop 1"


async def test_the_same_message_has_the_same_id_and_another_one_another(caller: Caller) -> None:
    first, again = await caller.inbound(text="a"), await caller.inbound(text="a")
    others = [
        await caller.inbound(text="b"),
        await caller.inbound(text="a", at="2"),
        await caller.inbound(to="3", text="a"),
    ]
    assert first.inbound_id == again.inbound_id
    assert len({each.inbound_id for each in [first, *others]}) == 4


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [("utf-16-be", "UTF-16BE"), ("utf-16-be", "ucs2"), ("windows-1252", "WINDOWS-1252"), ("utf-8", "GSM")],
)
async def test_a_text_in_another_charset(caller: Caller, encoding: str, charset: str) -> None:
    text = quote("Grüße €".encode(encoding))
    path = f"/carriers/query/inbound?secret={SECRET}&from=1&to=2&at=1&text={text}&charset={charset}"
    assert await caller.call("GET", path) == 200
    (arrived,) = caller.kept.arrived
    assert isinstance(arrived, Inbound)
    assert arrived.text == "Grüße €"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("text=Gr%FC%DFe", "Grüße"),
        ("text=%00a", "\ufffda"),
        ("text=a&charset=nonsense", "a"),
        ("text=%2Bae8-&charset=utf-7", "+ae8-"),
        ("text=a%5Cn&charset=unicode-escape", "a\\n"),
        ("text=a&charset=base64", "a"),
        ("text=%FF&charset=utf-8", "ÿ"),
        ("text=a&text=b", "a"),
        ("", ""),
    ],
)
async def test_a_text_that_is_not_what_it_should_be(caller: Caller, query: str, text: str) -> None:
    path = f"/carriers/query/inbound?secret={SECRET}&from=1&to=2&at=1&{query}"
    assert await caller.call("GET", path) == 200
    (arrived,) = caller.kept.arrived
    assert isinstance(arrived, Inbound)
    assert arrived.text == text


async def test_a_message_in_json(caller: Caller) -> None:
    body = {"id": "m-1", "from": "+436990000002", "to": 436990000001, "text": "hi\u0000"}
    assert await caller.call("POST", "/carriers/json/inbound", json=body, headers=BEARER) == 200
    (arrived,) = caller.kept.arrived
    assert arrived[:5] == ("json", "m-1", "436990000002", "436990000001", "hi\ufffd")
