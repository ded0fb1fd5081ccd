"""The gateway with a certificate of its own, which it reads again without an end to anything."""

import asyncio
import http.client
import json
import os
import signal
import ssl
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.ports import free_port
from tests.certificates import Authority
from tests.contract.gateways import another_gateway
from tests.integration.bus_rig import eventually
from tests.running import Account, Role, Stack

_PATH = "/json/user/message/conversations/get"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _connection(role: Role, ours: Authority) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(ours.file))
    return http.client.HTTPSConnection("127.0.0.1", urlsplit(role.base_url).port, timeout=30, context=context)


def _called(connection: http.client.HTTPConnection, stack: Stack, account: Account) -> int:
    body = json.dumps({"apiKey": stack.api_key, "authToken": account.auth_token})
    connection.request("POST", _PATH, body, {"Content-Type": "application/json"})
    return int(json.loads(connection.getresponse().read())["errorCode"])


async def test_a_certificate_is_served_and_read_again(stack: Stack, ours: Authority, tmp_path: Path) -> None:
    account, file = await stack.account(), ours.expired().file
    with another_gateway(stack, tmp_path, {"TLS_CERTIFICATE": str(file)}) as role:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            _connection(role, ours).connect()
        file.write_bytes(ours.good().file.read_bytes())
        os.kill(role.pid, signal.SIGHUP)
        await eventually(lambda: "certificate read again" in role.process.tail())
        connection = _connection(role, ours)
        assert _called(connection, stack, account) == 0

        file.write_text("half of it")
        os.kill(role.pid, signal.SIGHUP)
        await eventually(lambda: "certificate not read again" in role.process.tail())
        with closing(_connection(role, ours)) as another:
            assert [_called(each, stack, account) for each in (connection, another)] == [0, 0]
        connection.close()


async def test_a_gateway_does_not_start_with_half_a_certificate(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "pair.pem"
    file.write_text("half of it")
    role = stack.another("gateway", {"PORT": str(free_port()), "TLS_CERTIFICATE": str(file)}, tmp_path)
    role.process.start()
    await asyncio.to_thread(role.process.wait_gone)
    assert "TLS_CERTIFICATE: this certificate and key cannot be used" in role.process.tail()
