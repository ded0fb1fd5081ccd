"""All bodies that arrive or wait have room for so many octets; short ones are always taken."""

import asyncio
from http import HTTPStatus

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from services.gateway.body import BODY_LIMIT, LONG_BODY, Bodies
from shared.contract.faults import Fault, Refused

_LONG = b"x" * BODY_LIMIT


def _request(body: bytes, *, ended: bool = True) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    payload = StreamReader(protocol, 2 * BODY_LIMIT, loop=loop)
    payload.feed_data(body)
    if ended:
        payload.feed_eof()
    return make_mocked_request("POST", "/", payload=payload)


async def test_a_long_body_is_refused_while_others_fill_the_room() -> None:
    bodies = Bodies()
    arriving = [asyncio.create_task(bodies.read(_request(_LONG, ended=False))) for _ in range(32)]
    await asyncio.sleep(0.05)
    with bodies.waiting(32 * BODY_LIMIT):
        with pytest.raises(Refused) as refused:
            await bodies.read(_request(b"x" * LONG_BODY))
        assert refused.value.fault is Fault.TOO_MANY_REQUESTS
        assert len(await bodies.read(_request(b"x" * (LONG_BODY - 1)))) == LONG_BODY - 1
        bodies.leave()
        ended = await asyncio.gather(*arriving, return_exceptions=True)
        assert {getattr(one, "status", one) for one in ended} == {HTTPStatus.REQUEST_TIMEOUT}
        assert await bodies.read(_request(_LONG)) == _LONG
    assert await bodies.read(_request(_LONG)) == _LONG
