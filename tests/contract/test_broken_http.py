"""What is no HTTP request is answered in our words, on raw sockets; nothing that was sent comes back or is logged."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest

from tests.running import Account, Stack

SECRET = "do-not-repeat-me"


async def exchange(stack: Stack, *sent: bytes, leave: bool = False) -> bytes:
    """Send pieces and return what comes until the server ends the connection; `leave` says that nobody waits."""
    address = urlsplit(stack.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for nth, piece in enumerate(sent):
        if nth:
            await asyncio.sleep(0.2)
        writer.write(piece)
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


@pytest.mark.parametrize("piece", [f"{SECRET}\r\n", f"5\r\nhello{SECRET}\r\n"])
@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
async def test_a_body_that_becomes_malformed_is_400_at_once(stack: Stack, piece: str, expect: str) -> None:
    before = logged(stack).count('"ERROR"')
    head = f"POST /json/user/login HTTP/1.1\r\nHost: x\r\n{expect}Transfer-Encoding: chunked\r\n\r\n"
    # Within the 20 s that the exchange waits: a body that only stops is waited for 30 s.
    answer = await exchange(stack, f"{head}1\r\n{{\r\n".encode(), piece.encode())
    heads = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
    assert heads == ([b"100"] if expect else []) + [b"400"], answer
    assert b"\r\nConnection: close\r\n" in answer
    assert SECRET.encode() not in answer
    assert logged(stack).count('"ERROR"') == before
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
