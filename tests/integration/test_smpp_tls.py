"""SMPP links behind TLS: whose certificate is believed, by which name, and what we show of ourselves."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from services.delivery.carriers.carrier import Accepted
from tests.unit.smpp_peer import SmppPeer
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open

HOST = "smsc.example"


class Certificate(NamedTuple):
    certificate: str
    key: str


def made(folder: Path, name: str) -> Certificate:
    """Make a certificate that nobody has signed but itself."""
    own = Certificate(str(folder / f"{name}.crt"), str(folder / f"{name}.key"))
    subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject)
    subprocess.run([*command, "-keyout", own.key, "-out", own.certificate], check=True, capture_output=True)
    return own


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return made(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return made(tmp_path_factory.mktemp("tls"), "us.example")


@pytest.fixture
async def peer(theirs: Certificate, ours: Certificate) -> AsyncIterator[tuple[SmppPeer, list[str | None]]]:
    """Yield a carrier that wants our certificate, and the names by which it was called."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ours.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(theirs.certificate, theirs.key)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    found = SmppPeer()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    yield found, names
    server.close()
    await found.end()
    await server.wait_closed()


async def test_both_show_certificates(
    peer: tuple[SmppPeer, list[str | None]], theirs: Certificate, ours: Certificate
) -> None:
    smsc, names = peer
    tls = {"authorities": theirs.certificate, "server_name": HOST, **ours._asdict()}
    async with smpp_carrier(smsc.port, Kept(), tls=tls) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission("x" * 300)) == Accepted(("m1", "m2"))
    assert names == [HOST]


@pytest.mark.parametrize("wrong", [{"authorities": None}, {"server_name": "other.example"}, {"certificate": None}])
async def test_no_link_where_one_is_wrong(
    peer: tuple[SmppPeer, list[str | None]],
    theirs: Certificate,
    ours: Certificate,
    wrong: dict[str, str | None],
) -> None:
    smsc, _ = peer
    tls = {"authorities": theirs.certificate, "server_name": HOST, **ours._asdict()} | wrong
    async with smpp_carrier(smsc.port, Kept(), tls=tls) as carrier:
        await asyncio.sleep(1.0)
        assert not carrier.open
    assert not smsc.bound
