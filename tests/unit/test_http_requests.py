"""What the HTTP carrier asks: every value in its place, whatever a text holds."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.delivery.carriers.carrier import Accepted, Submission
from services.delivery.carriers.http import Http
from services.delivery.carriers.http_options import HttpOptions
from tests.unit.carrier_server import Asked, CarrierServer

HOSTILE = 'a&to=1+1%26 "}, {"to": "1"} {recipient} {secret.key}\r\nX: y\t#?/ä€😀'
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1b"), max_size=50)


def submission(text: str) -> Submission:
    return Submission(1, 2, 3, "436990000001", "436990000002", text, 0, 4_000_000_000_000)


async def asked_with(text: str, receipt_url: str = "", **options: Any) -> Asked:
    """Return the request that a carrier with these options makes of a text."""
    server = CarrierServer()
    async with server.serving():
        options = {"kind": "http", "url": server.url + "send?fixed=1%262", **options}
        carrier = Http("test", HttpOptions.model_validate(options), receipt_url)
        assert await carrier.submit(submission(text)) == Accepted(())
        await carrier.close()
    return server.asked[0]


async def test_a_query_holds_each_value_as_it_is() -> None:
    asked = await asked_with(
        HOSTILE, method="GET", query={"to": "+{recipient}", "text": "> {text}", "from": "{sender}"}
    )
    assert asked.method == "GET"
    assert dict(asked.query) == {
        "fixed": "1&2",
        "to": "+436990000002",
        "text": f"> {HOSTILE}",
        "from": "436990000001",
    }


async def test_a_form_holds_each_value_as_it_is() -> None:
    asked = await asked_with(HOSTILE, form={"to": "{recipient}", "text": "{text}"})
    assert parse_qs(asked.body.decode(), strict_parsing=True) == {"to": ["436990000002"], "text": [HOSTILE]}
    assert asked.headers["Content-Type"].startswith("application/x-www-form-urlencoded")


async def test_json_holds_each_value_as_it_is() -> None:
    body = {"messages": [{"to": "{recipient:number}", "text": "{text}", "ttl": 5, "flash": False}], "{text}": "{{}}"}
    asked = await asked_with(HOSTILE, body=body)
    assert orjson.loads(asked.body) == {
        "messages": [{"to": 436990000002, "text": HOSTILE, "ttl": 5, "flash": False}],
        "{text}": "{}",
    }
    assert asked.headers["Content-Type"] == "application/json"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
async def test_any_text_arrives_as_it_is(text: str) -> None:
    asked = await asked_with(text, query={"text": "{text}"}, body=["{text}"])
    assert [asked.query["text"]] == orjson.loads(asked.body)


async def test_a_message_says_what_it_is_made_of() -> None:
    asked = await asked_with(
        "ä" * 160 + "€",
        receipt_url="https://here.example/carriers/test/receipt",
        query={
            "coding": "{coding}",
            "parts": "{parts}",
            "alphabet": "{alphabet}",
            "dlr": "{receipt_url}?id={reference}&state=%d",
        },
    )
    assert asked.query["coding"] == "0"
    assert asked.query["parts"] == "2"
    assert asked.query["alphabet"] == "GSM"
    assert asked.query["dlr"] == "https://here.example/carriers/test/receipt?id=3&state=%d"


async def test_a_secret_is_read_where_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_KEY", "opened")
    secrets = {"key": "env:CARRIER_KEY"}
    asked = await asked_with("", secrets=secrets, headers={"Authorization": "Bearer {secret.key}"})
    assert asked.headers["Authorization"] == "Bearer opened"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"query": {"to": "{number}"}}, "no placeholder {number}"),
        ({"query": {"to": "{text.__class__}"}}, "no placeholder {text.__class__}"),
        ({"query": {"to": "{text!r}"}}, "behind a placeholder only :number"),
        ({"query": {"to": "{text:>9}"}}, "behind a placeholder only :number"),
        ({"query": {"to": "{}"}}, "no placeholder {}"),
        ({"query": {"to": "{text"}}, "expected '}' before end of string"),
        ({"body": ["x{parts:number}"]}, "a :number stands alone"),
        ({"query": {"back": "http://a.example/?t={text}"}}, "in a URL only"),
        ({"headers": {"X-Text": "{text}"}}, "text cannot be in a header"),
        ({"headers": {"X:": "1"}}, "a header has a name that HTTP does not allow"),
        ({"headers": {"X-Key": "{secret.key}"}}, "no secret key"),
        ({"secrets": {"key": "hunter2"}}, "a secret is env:NAME or file:/path"),
        ({"secrets": {"key": "env:NOWHERE_AT_ALL"}}, "no secret of one line in env:NOWHERE_AT_ALL"),
        ({"form": {}, "body": []}, "either form or body"),
        ({"method": "GET", "form": {}}, "a GET has no body"),
        ({"url": "ftp://a.example/"}, "no URL that begins with http:// or https://"),
        ({"url": "http://user:hunter2@a.example/"}, "without a user"),
        ({"rate": 0}, "greater than 0"),
        ({"answer": {"success": "json."}}, "no JMESPath expression"),
        ({"answer": {"pattern": "("}}, "no regular expression"),
        ({"answer": {"codes": {"1": "temporary"}}}, "codes without an expression"),
        ({"answer": {"ids": "json.id", "reference_is_id": True}}, "either ids or reference_is_id"),
        ({"answer": {"statuses": {"ok": "temporary"}}}, "no table of HTTP statuses"),
        ({"tls": {"authorities": "/nowhere/at/all"}}, "certificates cannot be loaded"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_what_a_table_cannot_say(options: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as error:
        HttpOptions.model_validate({"kind": "http", "url": "http://a.example/", **options})
    assert reason in str(error.value)
    assert "hunter2" not in str(error.value)
