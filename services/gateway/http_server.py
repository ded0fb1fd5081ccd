"""The HTTP server: aiohttp's low-level one, which answers what is no HTTP request in our words."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.gateway.body import BODY_LIMIT, TransportFault
from services.gateway.pipeline import Pipeline, plain
from shared.metrics import answers
from shared.settings import Settings

logger = logging.getLogger(__name__)

# For so long a client that still sends its body is read from, so that it sees the answer before the end.
_LINGERING_SECONDS = 2.0


class _Server(web.Server):
    """Serves connections with the handler below."""

    def __init__(self, pipeline: Pipeline, settings: Settings) -> None:
        self._options: dict[str, Any] = {
            "loop": asyncio.get_running_loop(),
            "keepalive_timeout": settings.keep_alive_seconds,
            "auto_decompress": False,
            "lingering_time": _LINGERING_SECONDS,
            "access_log": None,
        }
        super().__init__(pipeline.handle, request_factory=_request)

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, **self._options)


class _Connection(web.RequestHandler):
    """One connection; aiohttp's own words would repeat the input, to the client and in the log."""

    def data_received(self, data: bytes) -> None:
        """Take octets; a body that turns out to be malformed ends at once, where aiohttp would wait for its rest."""
        super().data_received(data)
        request = self._current_request
        # What stands behind a body that has not ended can only be the parser's complaint about it.
        if request is not None and self._messages and not request.content.is_eof():
            self._lingering_time = 0.0
            request.content.set_exception(web.RequestPayloadError("malformed"))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message
        answers.transport_fault(status)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("request not readable", extra={"status": status, "error": type(exc).__name__})
        else:
            logger.error("request failed", extra={"status": status}, exc_info=exc)
        if request.writer.output_size:
            raise ConnectionError("the answer has begun")
        response = plain(TransportFault(status, "this cannot be answered as an HTTP request"))
        response.force_close()
        return response


async def serve(pipeline: Pipeline, settings: Settings) -> web.ServerRunner:
    """Serve the API; the runner's `cleanup` ends it."""
    server = _Server(pipeline, settings)
    answers.connections(lambda: len(server.connections))
    runner = web.ServerRunner(server, shutdown_timeout=settings.drain_seconds)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.port, backlog=1024).start()
    return runner


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT)
