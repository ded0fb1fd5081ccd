"""OpenSearch behind TLS, with a user and a password, as it is run elsewhere than on one machine."""

import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from deploy.local.ports import free_port
from services.search.opensearch.client import Client
from shared.contract.faults import Away


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and its certificate for 127.0.0.1, which nobody has signed but itself."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subject = ("-subj", "/CN=opensearch", "-addext", "subjectAltName=IP:127.0.0.1")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject)
    subprocess.run([*command, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@asynccontextmanager
async def serving(certificate: Path, port: int) -> AsyncIterator[list[str | None]]:
    """Yield the `Authorization` of each request that came."""
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"path": request.path})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield seen
    finally:
        await runner.cleanup()


async def test_a_user_and_a_password_go_to_a_server_that_is_known(certificate: Path) -> None:
    port = free_port()
    async with serving(certificate, port) as seen:
        url = f"https://searcher:p%40ss%2Fword@127.0.0.1:{port}/behind/a-proxy"
        async with Client(url, f"{certificate}.crt") as client:
            assert await client.call("GET", "/there", timeout=5) == {"path": "/behind/a-proxy/there"}
    assert seen == [f"Basic {b64encode(b'searcher:p@ss/word').decode()}"]


async def test_a_server_that_is_not_known_gets_nothing(certificate: Path) -> None:
    port = free_port()
    async with serving(certificate, port) as seen, Client(f"https://a:b@127.0.0.1:{port}") as client:
        with pytest.raises(Away) as away:
            await client.call("GET", "/", timeout=5)
    assert away.value.reason == "OpenSearch cannot be reached: its certificate is refused: self-signed certificate"
    assert seen == []


async def test_a_certificate_for_another_name_is_not_trusted(certificate: Path) -> None:
    port = free_port()
    async with (
        serving(certificate, port) as seen,
        Client(f"https://a:b@localhost:{port}", f"{certificate}.crt") as client,
    ):
        with pytest.raises(Away):
            await client.call("GET", "/", timeout=5)
    assert seen == []
