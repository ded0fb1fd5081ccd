"""The HTTP carrier: what an answer means, what none means, and that nothing is written twice."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from email.utils import formatdate
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from services.delivery.carriers.carrier import (
    EXPIRED,
    Accepted,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Submission,
    Unknown,
)
from services.delivery.carriers.http import Http
from services.delivery.carriers.http_options import HttpOptions
from shared.postgres.errors import DatabaseAway
from tests.unit.carrier_place import References, place
from tests.unit.carrier_server import CarrierServer

SUBMISSION = Submission(1, 2, 3, "436990000001", "436990000002", "a text", 0, 4_000_000_000_000)
Open = Callable[..., AbstractAsyncContextManager[Http]]


@pytest.fixture
async def server() -> AsyncIterator[CarrierServer]:
    server = CarrierServer()
    async with server.serving():
        yield server


@asynccontextmanager
async def carrier(url: str, **options: Any) -> AsyncIterator[Http]:
    """Yield a carrier; its table says so."""
    table = {"kind": "http", "url": url, "timeout_seconds": 5, **options}
    made = Http("test", HttpOptions.model_validate(table), place())
    try:
        yield made
    finally:
        await made.close()


async def submitted(server: CarrierServer, **options: Any) -> Outcome:
    async with carrier(server.url, **options) as opened:
        return await opened.submit(SUBMISSION)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Accepted(())),
        (202, Accepted(())),
        (302, Refused(Refusal.ACCOUNT, "status 302")),
        (400, Refused(Refusal.PERMANENT, "status 400")),
        (401, Refused(Refusal.ACCOUNT, "status 401")),
        (403, Refused(Refusal.ACCOUNT, "status 403")),
        (404, Refused(Refusal.PERMANENT, "status 404")),
        (429, Refused(Refusal.SLOW_DOWN, "status 429")),
        (500, Refused(Refusal.TEMPORARY, "status 500")),
        (502, Unknown("status 502")),
        (503, Refused(Refusal.SLOW_DOWN, "status 503")),
        (504, Unknown("status 504")),
    ],
)
async def test_what_a_status_means(server: CarrierServer, status: int, expected: Outcome) -> None:
    server.answers(status, Location="/elsewhere")
    assert await submitted(server) == expected
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("999999999999", 3600, 3600),
        (formatdate(0, usegmt=True), 0, 0),
    ],
)
async def test_how_long_to_wait_is_what_the_carrier_says(
    server: CarrierServer, header: str, least: float, most: float
) -> None:
    server.answers(429, Retry_After=header)
    outcome = await submitted(server)
    assert isinstance(outcome, Refused)
    assert outcome.after_seconds is not None
    assert least <= outcome.after_seconds <= most


async def test_a_carrier_may_name_the_time_until_which_to_wait(server: CarrierServer) -> None:
    server.answers(429, Retry_After=formatdate(time.time() + 600, usegmt=True))
    outcome = await submitted(server)
    assert isinstance(outcome, Refused)
    assert outcome.after_seconds is not None
    assert 500 < outcome.after_seconds <= 601


@pytest.mark.parametrize("header", ["soon", "-1", "²", ""])
async def test_a_wait_that_cannot_be_read_is_none(server: CarrierServer, header: str) -> None:
    server.answers(503, Retry_After=header)
    assert await submitted(server) == Refused(Refusal.SLOW_DOWN, "status 503", None)


async def test_a_status_may_mean_something_else(server: CarrierServer) -> None:
    server.answers(408)
    answer = {"statuses": {"408": "temporary", "409": "unknown"}}
    assert await submitted(server, answer=answer) == Refused(Refusal.TEMPORARY, "status 408")
    server.answers(409)
    assert await submitted(server, answer=answer) == Unknown("status 409")


async def test_no_answer_in_time_is_unknown(server: CarrierServer) -> None:
    server.hangs()
    assert await submitted(server, timeout_seconds=0.3) == Unknown("TimeoutError")
    assert len(server.asked) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_reset_after_the_write_is_unknown_and_written_once(server: CarrierServer, method: str) -> None:
    server.resets()
    assert isinstance(await submitted(server, method=method), Unknown)
    assert len(server.asked) == 1


async def test_a_connection_kept_and_reset_is_not_written_again(server: CarrierServer) -> None:
    async with carrier(server.url, method="GET") as opened:
        assert await opened.submit(SUBMISSION) == Accepted(())
        server.resets()
        assert isinstance(await opened.submit(SUBMISSION), Unknown)
    assert len(server.asked) == 2


async def test_nobody_there_means_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with carrier(f"http://127.0.0.1:{taken.getsockname()[1]}/") as opened:
            assert isinstance(await opened.submit(SUBMISSION), NotSent)


async def test_no_tls_where_it_should_be_means_not_sent(server: CarrierServer) -> None:
    async with carrier(server.url.replace("http:", "https:")) as opened:
        assert isinstance(await opened.submit(SUBMISSION), NotSent)
    assert server.asked == []


async def test_a_hang_before_the_write_means_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        port = hanging.getsockname()[1]
        async with carrier(f"https://127.0.0.1:{port}/", timeout_seconds=0.3) as opened:
            assert await opened.submit(SUBMISSION) == NotSent("TimeoutError")


async def test_the_deadline_ends_it_before_its_own_time(server: CarrierServer) -> None:
    server.hangs()
    soon = SUBMISSION._replace(deadline=asyncio.get_running_loop().time() + 0.3)
    async with carrier(server.url, window=1) as opened, asyncio.timeout(3):
        written, waiting = await asyncio.gather(opened.submit(soon), opened.submit(soon))
    assert (written, waiting) == (Unknown("TimeoutError"), NotSent("TimeoutError"))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200",
    ],
)
async def test_junk_instead_of_http_is_unknown(server: CarrierServer, raw: bytes) -> None:
    server.writes(raw)
    assert isinstance(await submitted(server, method="GET"), Unknown)
    assert len(server.asked) == 1


def _taken(name: str) -> bytes:
    body = orjson.dumps({"id": name})
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("unasked", [_TIMEOUT, _taken("another's")])
async def test_what_a_carrier_says_unasked_is_no_answer_to_the_next_message(unasked: bytes) -> None:
    told = asyncio.Event()
    links = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal links
        links += 1
        with closing(writer):
            await reader.readuntil(b"}")
            writer.write(_taken("its own"))
            await asyncio.sleep(0.05)
            writer.write(unasked)
            told.set()
            await reader.read()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = "http://{}:{}/".format(*server.sockets[0].getsockname())
        async with carrier(url, body={"to": "{recipient}"}, answer={"ids": "json.id"}) as opened:
            assert await opened.submit(SUBMISSION) == Accepted(("its own",))
            await told.wait()
            await asyncio.sleep(0.05)
            assert await opened.submit(SUBMISSION) == Accepted(("its own",))
    assert links == 2


async def test_a_peer_that_speaks_first_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    links = 0
    connected = aiohttp.TCPConnector.connect

    async def heard(*arguments: Any, **options: Any) -> Any:
        connection = await connected(*arguments, **options)
        await asyncio.sleep(0.05)
        return connection

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal links
        links += 1
        with closing(writer):
            writer.write(b"220 mail.example ESMTP\r\n")
            assert await reader.read() == b""

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", heard)
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = "http://{}:{}/".format(*server.sockets[0].getsockname())
        async with carrier(url, window=3) as opened:
            assert await opened.submit(SUBMISSION) == NotSent("the carrier speaks before it is asked")
    assert links == 4


async def test_an_expired_message_is_not_sent(server: CarrierServer) -> None:
    async with carrier(server.url) as opened:
        assert await opened.submit(SUBMISSION._replace(expires_at=1)) == EXPIRED
    assert server.asked == []


async def test_what_has_no_name_to_the_carrier_is_not_sent(
    server: CarrierServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(References, "error", DatabaseAway("gone"))
    assert await submitted(server) == NotSent("nobody knows what to call it")
    assert server.asked == []


async def test_a_text_that_no_sms_holds_is_refused(server: CarrierServer) -> None:
    async with carrier(server.url) as opened:
        outcome = await opened.submit(SUBMISSION._replace(text="\x1b"))
    assert outcome == Refused(Refusal.PERMANENT, "an escape character")
    assert server.asked == []


SUCCESS = {"success": "json.ok", "ids": "json.parts[].id", "code": "json.code", "codes": {"7": "slow down"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"ok": true, "parts": [{"id": "x"}, {"id": 5}, {"id": null}]}', Accepted(("x", "5"))),
        ('{"ok": true}', Accepted(())),
        ('{"ok": false, "code": 7}', Refused(Refusal.SLOW_DOWN, "status 200, code 7")),
        ('{"ok": false, "code": "+436990000002"}', Refused(Refusal.TEMPORARY, "status 200")),
        ('{"ok": false, "code": "436990000002"}', Refused(Refusal.TEMPORARY, "status 200")),
        ('{"ok": false, "code": "to-436990000002"}', Refused(Refusal.TEMPORARY, "status 200")),
        ('{"ok": true, "code": 7}', Accepted(())),
        ('{"ok": "true"}', Refused(Refusal.TEMPORARY, "status 200")),
        ("[]", Refused(Refusal.TEMPORARY, "status 200")),
        ("<html>Log in</html>", Unknown("status 200 with an answer that cannot be read")),
        ("", Unknown("status 200 with an answer that cannot be read")),
    ],
)
async def test_an_answer_in_json(server: CarrierServer, text: str, expected: Outcome) -> None:
    server.answers(200, text)
    assert await submitted(server, answer=SUCCESS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"parts": [{"id": "x"}]}', Accepted(("x",))),
        ('{"code": 7}', Refused(Refusal.SLOW_DOWN, "status 200, code 7")),
        ('{"code": 7, "parts": [{"id": "x"}]}', Refused(Refusal.SLOW_DOWN, "status 200, code 7")),
        ('{"error": "no credit"}', Unknown("status 200 without an id")),
        ('{"parts": [{"id": " "}]}', Unknown("status 200 without an id")),
    ],
)
async def test_an_answer_200_with_an_error_is_not_taken_for_a_success(
    server: CarrierServer, text: str, expected: Outcome
) -> None:
    server.answers(200, text)
    answer = {name: value for name, value in SUCCESS.items() if name != "success"}
    assert await submitted(server, answer=answer) == expected


async def test_a_code_tells_more_than_a_status(server: CarrierServer) -> None:
    server.answers(400, '{"code": 7}', Retry_After="3")
    assert await submitted(server, answer=SUCCESS) == Refused(Refusal.SLOW_DOWN, "status 400, code 7", 3.0)


async def test_an_id_that_is_looked_for_in_a_page_of_somebody_else_is_unknown(server: CarrierServer) -> None:
    server.answers(200, "<html>Log in</html>")
    assert isinstance(await submitted(server, answer={"ids": "json.id"}), Unknown)


async def test_our_reference_may_be_the_id(server: CarrierServer) -> None:
    assert await submitted(server, answer={"reference_is_id": True}) == Accepted(("here-3",))


async def test_our_reference_is_the_id_where_no_answer_says_so(server: CarrierServer) -> None:
    answer = {"reference_is_id": True, "success": "json.ok"}
    server.answers(200, "<html>Log in</html>")
    outcome = await submitted(server, answer=answer)
    assert outcome == Unknown("status 200 with an answer that cannot be read", ("here-3",))
    server.hangs()
    assert await submitted(server, timeout_seconds=0.3, answer=answer) == Unknown("TimeoutError", ("here-3",))


@pytest.mark.parametrize("sender", ["", "Example"])
async def test_no_sender_where_the_carrier_wants_a_number_is_refused(server: CarrierServer, sender: str) -> None:
    async with carrier(server.url, body={"from": "{sender:number}"}) as opened:
        outcome = await opened.submit(SUBMISSION._replace(sender=sender))
    assert outcome == Refused(Refusal.PERMANENT, "a value that the request cannot hold")
    assert server.asked == []


async def test_an_endless_answer_is_cut(server: CarrierServer) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
        return response

    server.answer = answer
    unreadable = Unknown("status 200 with an answer that cannot be read")
    assert await submitted(server, answer={"ids": "json.id"}) == unreadable


async def test_closing_waits_for_what_is_under_way(server: CarrierServer) -> None:
    asked = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(0.2)
        return web.Response(status=202)

    server.answer = answer
    async with carrier(server.url) as opened:
        sending = asyncio.create_task(opened.submit(SUBMISSION))
        await asked.wait()
    assert sending.done()
    assert await sending == Accepted(())
