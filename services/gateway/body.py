"""The body of an HTTP request: read whole, bounded in size and time."""

import asyncio
from http import HTTPStatus

from aiohttp import web

BODY_LIMIT = 1_048_576
_BODY_SECONDS = 30.0


class TransportFault(Exception):  # noqa: N818 - it is an answer
    """Something is wrong with the HTTP request itself: its status and one line that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def read_body(request: web.BaseRequest) -> bytes:
    """Return the body; raises `TransportFault` 413 above 1 MiB, 408 when it does not arrive in time."""
    if request.content_length is not None and request.content_length > BODY_LIMIT:
        raise TransportFault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is larger than 1 MiB")
    await _continue(request)
    try:
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TransportFault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is larger than 1 MiB") from None
    except (ConnectionError, web.RequestPayloadError):
        # It is malformed, or nobody is left to read this.
        raise TransportFault(HTTPStatus.BAD_REQUEST, "the body has no proper end") from None
    except TimeoutError:
        raise TransportFault(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time") from None


async def _continue(request: web.BaseRequest) -> None:
    # The low-level server leaves this to its handler; clients such as curl wait a second for it.
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
