"""An OpenSearch that is away: every call says so in its time, and no event is to blame."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from deploy.local.ports import free_port
from deploy.local.servers import Servers
from services.search.index import Wanted
from services.search.opensearch.client import Client, MissingIndex
from services.search.opensearch.generations import Generations
from services.search.opensearch.index import OpenSearchIndex
from services.search.query import parse
from shared.contract.faults import Away
from tests.integration.fresh_database import fresh_database
from tests.integration.opensearch_rig import Rig, document, gone, opensearch_rig
from tests.servers import PreparedServer

WANTED = Wanted(1, parse("x"), None, locked=False)
SECONDS = 1.0


@pytest.fixture(scope="module")
async def database_url(servers: Servers) -> AsyncIterator[str]:
    async with fresh_database(servers) as url:
        yield url


@pytest.fixture
async def rig(database_url: str, opensearch: PreparedServer) -> AsyncIterator[Rig]:
    """Yield an index that has one document."""
    async with opensearch_rig(database_url, opensearch.url) as rig:
        await rig.write(document(1, "x"))
        yield rig


def calls(index: OpenSearchIndex) -> list[Callable[[], Awaitable[object]]]:
    """Return every use that a role makes of an index."""
    return [
        lambda: index.find(WANTED, None, 10, timeout=SECONDS),
        lambda: index.write([document(2, "x")], timeout=SECONDS),
        lambda: index.write([gone(2, 2)], timeout=SECONDS),
        lambda: index.versions((0, 0), 10, timeout=SECONDS),
        lambda: index.forget(1, timeout=SECONDS),
    ]


async def assert_away(index: OpenSearchIndex) -> list[str]:
    """Make every call, and return why each was not done."""
    reasons = []
    for call in calls(index):
        began = time.monotonic()
        with pytest.raises(Away) as away:
            await call()
        assert time.monotonic() - began < 5 * SECONDS
        reasons.append(away.value.reason)
    return reasons


@asynccontextmanager
async def answering(status: int, body: str, kind: str) -> AsyncIterator[str]:
    """Yield the URL of something that answers everything alike."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def index_at(url: str, rig: Rig) -> AsyncIterator[OpenSearchIndex]:
    """Yield the same index as one knows it for whom OpenSearch is elsewhere."""
    async with Client(url) as client:
        yield OpenSearchIndex(client, Generations(rig.database, client, rig.generations.alias))


async def test_a_stopped_one_is_away_and_comes_back(rig: Rig, opensearch: PreparedServer) -> None:
    await asyncio.to_thread(opensearch.kill)
    try:
        reasons = await assert_away(rig.index)
        with pytest.raises(Away):
            await rig.index.probe()
    finally:
        await asyncio.to_thread(opensearch.start)
    assert set(reasons) == {"OpenSearch cannot be reached: ClientConnectorError"}
    await rig.index.probe()
    assert await rig.find("x") == [1]


async def test_a_frozen_one_is_away_in_the_time_of_the_call(rig: Rig, opensearch: PreparedServer) -> None:
    opensearch.freeze()
    try:
        reasons = await assert_away(rig.index)
    finally:
        opensearch.thaw()
    assert set(reasons) == {"OpenSearch did not answer in time"}
    # What it was asked to write meanwhile it may have written since.
    assert await rig.find("x") in ([1], [2, 1])


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_one_that_refuses_is_away(rig: Rig, status: int) -> None:
    error = '{"error": {"type": "es_rejected_execution_exception", "root_cause": []}, "status": %d}'
    async with answering(status, error % status, "application/json") as url, index_at(url, rig) as index:
        assert set(await assert_away(index)) == {f"OpenSearch answered {status}"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>", "text/html"),
        (200, "{", "application/json"),
        (200, "[]", "application/json"),
        (502, "<html>", "text/html"),
    ],
)
async def test_something_else_that_answers_is_away(rig: Rig, status: int, body: str, kind: str) -> None:
    async with answering(status, body, kind) as url, index_at(url, rig) as index:
        await assert_away(index)


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_a_document_that_cannot_be_taken_now_is_away(rig: Rig, status: int) -> None:
    """So is a batch in which another one never can be: it comes again."""
    items = [{"index": {"status": each, "error": {"type": "x"}}} for each in (400, status)]
    body = json.dumps({"errors": True, "items": items})
    async with answering(200, body, "application/json") as url, index_at(url, rig) as index:
        with pytest.raises(Away) as away:
            await index.write([document(1, "x"), document(2, "x")], timeout=SECONDS)
    assert away.value.reason == f"OpenSearch answered {status} for a document"


async def test_an_answer_that_says_nothing_of_a_write_is_no_success(rig: Rig) -> None:
    async with answering(200, "{}", "application/json") as url, index_at(url, rig) as index:
        with pytest.raises(Away):
            await index.write([document(1, "x")], timeout=SECONDS)


async def test_a_missing_index_is_away_and_says_what_to_do(rig: Rig) -> None:
    (name,) = await rig.indexes()
    await rig.client.call("DELETE", f"/{name}", timeout=5)
    for call in calls(rig.index)[:2]:
        with pytest.raises(MissingIndex) as missing:
            await call()
        assert "usermessage search rebuild" in missing.value.reason
    with pytest.raises(MissingIndex):
        await rig.index.probe()


async def test_no_write_creates_an_index(rig: Rig) -> None:
    (name,) = await rig.indexes()
    await rig.client.call("DELETE", f"/{name}", timeout=5)
    await _auto_create(rig, "true")
    try:
        with pytest.raises(MissingIndex):
            await rig.index.write([document(1, "x"), gone(2, 1)], timeout=5)
        assert await rig.indexes() == []
    finally:
        await _auto_create(rig, "false")


async def _auto_create(rig: Rig, value: str) -> None:
    settings = {"transient": {"action.auto_create_index": value}}
    await rig.client.call("PUT", "/_cluster/settings", settings, timeout=5)
