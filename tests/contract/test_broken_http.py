"""What is no HTTP request is answered in our words, on raw sockets; nothing that was sent comes back or is logged."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest

from tests.running import Account, Stack

SECRET = "do-not-repeat-me"


async def exchange(stack: Stack, sent: bytes, *, leave: bool = False) -> bytes:
    """Send bytes and return what comes until the server ends the connection; `leave` says that nobody waits."""
    address = urlsplit(stack.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)
    await writer.drain()
    answer = b"" if leave else await asyncio.wait_for(reader.read(), 20)
    writer.transport.abort()
    return answer


def logged(stack: Stack) -> str:
    return stack.roles["gateway"].process.log.read_text()


@pytest.mark.parametrize(
    "sent",
    [
        f"{SECRET}\r\n\r\n",
        f"POST /json/user/login HTTP/1.1\r\nHost: x\r\n{SECRET}\r\n\r\n",
        f"POST /json/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: {SECRET}\r\n\r\n",
        f"POST /json/user/login HTTP/1.1\r\nHost: x\r\nX: {SECRET}\0\r\n\r\n",
        f"POST /json/user/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}\r\n",
    ],
)
async def test_what_is_no_request_is_400_with_a_line_of_ours(stack: Stack, sent: str) -> None:
    answer = await exchange(stack, sent.encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 400 ", head), answer
    assert re.findall(rb"\r\nServer: (.*)\r", head) == [b"usermessage"]
    assert (body.count(b"\n"), SECRET.encode() in answer) == (1, False)
    assert SECRET not in logged(stack)


async def test_a_client_that_leaves_in_its_body_is_no_error(stack: Stack) -> None:
    before = logged(stack).count('"ERROR"')
    head = b"POST /json/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    await exchange(stack, head + b'{"apiKey"', leave=True)
    await asyncio.sleep(0.5)
    assert logged(stack).count('"ERROR"') == before


async def test_a_request_line_with_the_whole_address_is_its_path(stack: Stack) -> None:
    account: Account = await stack.account()
    body = f'{{"apiKey":"{stack.api_key}","authToken":"{account.auth_token}"}}'
    target = f"{stack.base_url}/json/user/message/conversations/get?x=1"
    sent = f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    assert (await exchange(stack, sent.encode())).endswith(b'{"errorCode":0,"conversations":[]}')
