"""Transport: HTTP statuses, mounts, content types and exact headers, on the wire's own bytes."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from shared.contract.messages import INSERT
from tests.contract.case_formats import FORMATS
from tests.running import Stack

PATH = "/user/message/conversations/get"
JSON, XML = "application/json; charset=utf-8", "application/xml; charset=utf-8"
JDK = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
JSON_BODY = b'{"apiKey":"unknown"}'
XML_BODY = b"<userMessageGetConversationsRequest><apiKey>unknown</apiKey></userMessageGetConversationsRequest>"
REFUSED = {
    JSON: b'{"errorCode":600}',
    XML: b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<userMessageGetConversationsResponse><errorCode>600</errorCode></userMessageGetConversationsResponse>",
}
BODIES = {"application/json": JSON_BODY, "application/xml": XML_BODY}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


async def call(stack: Stack, path: str, headers: Mapping[str, str], body: bytes = b"", method: str = "POST") -> Answer:
    """Send exactly these headers; a client library would add its own."""
    url = urlsplit(stack.base_url)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    if "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        async with asyncio.timeout(20):
            return _answer(await reader.read())
    finally:
        writer.close()


def _answer(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Answer(int(status.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, body)


def refused(answer: Answer, content_type: str) -> None:
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "transfer-encoding" not in answer.headers
    assert "content-encoding" not in answer.headers
    assert answer.body == REFUSED[content_type]


def fault(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-length"] == str(len(answer.body))
    assert len(answer.body.strip().splitlines()) == 1


@pytest.mark.parametrize("body_type", BODIES)
@pytest.mark.parametrize("mount", ["rest", "json", "xml"])
async def test_mounts_answer_in_their_format(stack: Stack, mount: str, body_type: str) -> None:
    own = JSON if body_type == "application/json" else XML
    answer = await call(stack, f"/{mount}{PATH}", {"Content-Type": body_type}, BODIES[body_type])
    refused(answer, {"rest": own, "json": JSON, "xml": XML}[mount])


@pytest.mark.parametrize(
    ("accept", "from_json", "from_xml"),
    [
        ("application/json", JSON, JSON),
        ("application/xml", XML, XML),
        ("text/xml", XML, XML),
        ("*/*", JSON, XML),
        (JDK, JSON, XML),
        ("application/xml;q=0.1, application/json;q=0.9", JSON, JSON),
        ("application/xml, application/json;q=0.9", XML, XML),
        ("application/json;q=0, */*", XML, XML),
        ("nonsense", JSON, XML),
    ],
)
async def test_accept_decides_on_rest(stack: Stack, accept: str, from_json: str, from_xml: str) -> None:
    for body_type, expected in (("application/json", from_json), ("application/xml", from_xml)):
        headers = {"Content-Type": body_type, "Accept": accept}
        refused(await call(stack, f"/rest{PATH}", headers, BODIES[body_type]), expected)


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0, application/xml;q=0, text/xml;q=0", "image/*"])
async def test_what_nobody_writes_is_406_on_rest_only(stack: Stack, accept: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": accept}
    fault(await call(stack, f"/rest{PATH}", headers, JSON_BODY), 406)
    fault(await call(stack, f"/rest{PATH}", headers), 406)
    refused(await call(stack, f"/json{PATH}", headers, JSON_BODY), JSON)
    refused(await call(stack, f"/xml{PATH}", headers, JSON_BODY), XML)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "nonsense"])
async def test_a_foreign_content_type_leaves_it_to_the_first_byte(stack: Stack, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    refused(await call(stack, f"/rest{PATH}", headers, b" \r\n" + JSON_BODY), JSON)
    refused(await call(stack, f"/rest{PATH}", headers, b"\n" + XML_BODY), XML)
    fault(await call(stack, f"/rest{PATH}", headers, b"apiKey=unknown"), 415)
    fault(await call(stack, f"/rest{PATH}", headers), 400)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", XML_BODY),
        ("application/xml", JSON_BODY),
        ("text/xml", b"<other/>"),
        ("text/xml", b"<!DOCTYPE userMessageGetConversationsRequest>" + XML_BODY),
        ("application/json", b""),
        ("application/xml", b" \n"),
        ("application/json", b"[]"),
        ("application/json", b'{"x":' + b"[" * 40 + b"]" * 40 + b"}"),
        ("application/json", b'{"apiKey":["a"]}'),
        ("application/json", b'{"authToken":{}}'),
    ],
)
async def test_what_does_not_fit_its_type_is_400(stack: Stack, content_type: str, body: bytes) -> None:
    fault(await call(stack, f"/rest{PATH}", {"Content-Type": content_type}, body), 400)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_answered(stack: Stack, method: str) -> None:
    answer = await call(stack, f"/rest{PATH}", {}, method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert bool(answer.body) is (method != "HEAD")


@pytest.mark.parametrize("path", ["/", f"/rest{PATH}/", PATH, f"/REST{PATH}", "/rest/user/message", f"/soap{PATH}"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_paths_are_exact(stack: Stack, path: str, method: str) -> None:
    fault(await call(stack, path, {"Content-Type": "application/json"}, JSON_BODY, method), 404)


async def test_a_query_string_is_ignored(stack: Stack) -> None:
    refused(await call(stack, f"/json{PATH}?x=1", {"Content-Type": "application/json"}, JSON_BODY), JSON)


async def test_a_body_of_one_mebibyte_is_read_and_one_more_byte_is_413(stack: Stack) -> None:
    headers = {"Content-Type": "application/json"}
    full = JSON_BODY.ljust(1024 * 1024)
    refused(await call(stack, f"/rest{PATH}", headers, full), JSON)
    fault(await call(stack, f"/rest{PATH}", headers, full + b" "), 413)
    fault(await call(stack, f"/rest{PATH}", {"Content-Type": "text/html"}, b"x" * (1024 * 1024 + 1)), 413)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Encoding": "gzip"}, JSON_BODY),
        ({"Content-Type": "application/json; charset=utf-16"}, JSON_BODY),
        ({"Content-Type": "application/json; charset=klingon"}, JSON_BODY),
        ({"Content-Type": "application/xml"}, b'<?xml version="1.0" encoding="koi8-r"?>' + XML_BODY),
        ({"Content-Encoding": "gzip", "Accept": "text/html"}, JSON_BODY),
        ({"Content-Type": "text/plain", "Accept": "text/html"}, b"apiKey"),
    ],
)
async def test_encodings_and_charsets_that_are_not_served_are_415(
    stack: Stack, headers: dict[str, str], body: bytes
) -> None:
    fault(await call(stack, f"/rest{PATH}", {"Content-Type": "application/json", **headers}, body), 415)


async def test_answers_are_never_compressed(stack: Stack) -> None:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip, br", "TE": "trailers, gzip"}
    refused(await call(stack, f"/rest{PATH}", {**headers, "Content-Encoding": "identity"}, JSON_BODY), JSON)


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("utf-8", "utf-8"), ("iso-8859-1", "latin-1"), ("windows-1252", "cp1252"), ("utf-8", "latin-1")],
)
@pytest.mark.parametrize("form", FORMATS)
async def test_texts_come_in_any_served_charset(stack: Stack, form: str, charset: str, codec: str) -> None:
    account = await stack.account()
    secrets = {"apiKey": stack.api_key, "authToken": account.auth_token}
    text = "sch\u00f6ne Gr\u00fc\u00dfe"
    body = FORMATS[form].write(INSERT, {**secrets, "address": "+436990000001", "message": "@@"}).decode()
    headers = {"Content-Type": f'application/{form}; charset="{charset}"'}
    stored = await call(stack, "/json/user/message/insert", headers, body.replace("@@", text).encode(codec))
    assert json.loads(stored.body)["errorCode"] == 0
    page = json.dumps({**secrets, "address": "+436990000001"}).encode()
    found = await call(stack, "/json/user/message/get/by/conversation", {"Content-Type": "application/json"}, page)
    assert [each["message"] for each in json.loads(found.body)["messages"]] == [text]
