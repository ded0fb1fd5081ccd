"""A gateway is known by what it read last, whatever kind of key that has."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from services.gateway.http_server import _read_again
from shared.tls import server_context

_EC, _RSA = trustme.KeyType.ECDSA, trustme.KeyType.RSA


async def _seen(port: int, trusted: trustme.CA, name: str) -> str:
    context = ssl.create_default_context()
    trusted.configure_trust(context)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    known: dict[str, str] = dict(part for (part,) in writer.get_extra_info("peercert")["subject"])
    writer.transport.abort()
    return known["organizationalUnitName"]


@pytest.mark.parametrize("name", ["gateway.example", "127.0.0.1"])
@pytest.mark.parametrize("kinds", [(_EC, _RSA, _EC), (_RSA, _EC, _RSA)])
async def test_the_last_certificate_is_served(tmp_path: Path, name: str, kinds: tuple[trustme.KeyType, ...]) -> None:
    authority, file = trustme.CA(), tmp_path / "pair.pem"

    def issue(number: int) -> None:
        pair = authority.issue_cert(
            "gateway.example", "127.0.0.1", organization_unit_name=f"pair {number}", key_type=kinds[number]
        )
        pair.private_key_and_cert_chain_pem.write_to_path(file)

    issue(0)
    context = server_context(str(file), "")
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        assert await _seen(port, authority, name) == "pair 0"
        for number in (1, 2):
            issue(number)
            _read_again(context, str(file), "")
            assert await _seen(port, authority, name) == f"pair {number}"
        file.write_text("half of it")
        _read_again(context, str(file), "")
        assert await _seen(port, authority, name) == "pair 2"
