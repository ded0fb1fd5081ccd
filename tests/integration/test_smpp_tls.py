"""SMPP links behind TLS: whose certificate is believed, by which name, and what we show of ourselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.delivery.carriers.carrier import Accepted
from tests.certificates import Authority
from tests.integration.bus_rig import eventually
from tests.unit.smpp_peer import SmppPeer, smpp_peer
from tests.unit.smpp_scene import Kept, smpp_carrier, submission, until_open

HOST = "smsc.example"


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "theirs")


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def tls(theirs: Authority, ours: Authority) -> dict[str, str | None]:
    """Return the options with which both believe each other."""
    file = str(ours.good("us.example").file)
    return {"authorities": str(theirs.file), "server_name": HOST, "certificate": file, "key": file}


@pytest.fixture
async def peer(theirs: Authority, ours: Authority) -> AsyncIterator[tuple[SmppPeer, list[str | None]]]:
    """Yield a carrier that wants our certificate, and the names by which it was called."""
    context = ours.trust_for_clients(theirs.good(HOST).context)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    async with smpp_peer(context) as found:
        yield found, names


async def test_both_show_certificates(peer: tuple[SmppPeer, list[str | None]], tls: dict[str, str | None]) -> None:
    smsc, names = peer
    async with smpp_carrier(smsc.port, Kept(), tls=tls) as carrier:
        await until_open(carrier)
        assert await carrier.submit(submission("x" * 300)) == Accepted(("m1", "m2"))
    assert names == [HOST]


@pytest.mark.parametrize("wrong", [{"authorities": None}, {"server_name": "other.example"}, {"certificate": None}])
async def test_no_link_where_one_is_wrong(
    peer: tuple[SmppPeer, list[str | None]],
    tls: dict[str, str | None],
    wrong: dict[str, str | None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    smsc, names = peer
    async with smpp_carrier(smsc.port, Kept(), tls=tls | wrong) as carrier:
        await eventually(lambda: "link not bound" in caplog.messages)
        assert not carrier.open
    assert names
    assert not smsc.bound
