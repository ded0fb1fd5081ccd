"""The body of an HTTP request: read whole, bounded in size and time, and so are all of them together."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import web

from shared.contract.faults import Fault, Refused

BODY_LIMIT = 1_048_576
# A body that is made for it takes a millisecond to read for each KiB, 1 MiB a second; everybody else would wait.
LONG_BODY = 16_384
# Of all bodies that arrive or wait to be read; above it only short ones are taken.
_MOST_OCTETS = 64 * BODY_LIMIT
_BODY_SECONDS = 30.0


class TransportFault(Exception):  # noqa: N818 - it is an answer
    """Something is wrong with the HTTP request itself: its status and one line that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Bodies:
    """Reads bodies. Once the gateway is about to leave it takes no more octets, so those still arriving are ended."""

    def __init__(self) -> None:
        self._arriving: set[asyncio.Timeout] = set()
        self._octets = 0
        self._leaving = False

    def leave(self) -> None:
        """End what is still arriving, and what comes later."""
        self._leaving = True
        now = asyncio.get_running_loop().time()
        for limit in self._arriving:
            if not limit.expired():
                limit.reschedule(now)

    async def read(self, request: web.BaseRequest) -> bytes:
        """Return the body; raises `TransportFault` 413 above 1 MiB, 408 when it does not arrive in time.

        Raises `Refused` where there is no room for a long one.
        """
        if request.content_length is not None and request.content_length > BODY_LIMIT:
            raise _too_large()
        await _continue(request)
        try:
            return await self._arrived(request)
        except (ConnectionError, web.RequestPayloadError):
            # It is malformed, or nobody is left to read this.
            raise TransportFault(HTTPStatus.BAD_REQUEST, "the body has no proper end") from None
        except TimeoutError:
            raise TransportFault(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time") from None

    async def _arrived(self, request: web.BaseRequest) -> bytes:
        if request.content.is_eof():
            return await self._pieces(request)
        async with asyncio.timeout(0 if self._leaving else _BODY_SECONDS) as limit:
            self._arriving.add(limit)
            try:
                return await self._pieces(request)
            finally:
                self._arriving.remove(limit)

    async def _pieces(self, request: web.BaseRequest) -> bytes:
        body = bytearray()
        try:
            while piece := await request.content.readany():
                body += piece
                self._octets += len(piece)
                if len(body) > BODY_LIMIT:
                    raise _too_large()
                if len(body) >= LONG_BODY and self._octets > _MOST_OCTETS:
                    raise Refused(Fault.TOO_MANY_REQUESTS)
        finally:
            self._octets -= len(body)
        return bytes(body)

    @contextmanager
    def waiting(self, octets: int) -> Iterator[None]:
        """Count a body that has arrived, while it waits to be read and is."""
        self._octets += octets
        try:
            yield
        finally:
            self._octets -= octets


def _too_large() -> TransportFault:
    return TransportFault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is larger than 1 MiB")


async def _continue(request: web.BaseRequest) -> None:
    # The low-level server leaves this to its handler; clients such as curl wait a second for it.
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
