"""The HTTP server: aiohttp's low-level one, which answers what is no HTTP request in our words."""

import asyncio
import logging
import signal
import ssl
from http import HTTPStatus
from typing import Any

from aiohttp import web

from services.gateway.body import BODY_LIMIT, TransportFault
from services.gateway.pipeline import Pipeline, plain
from shared.metrics import answers
from shared.settings import Settings, SettingsError
from shared.tls import server_context

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
    context = _context(settings)
    await web.TCPSite(runner, settings.host, settings.port, backlog=1024, ssl_context=context).start()
    return runner


def _context(settings: Settings) -> ssl.SSLContext | None:
    """Return what the gateway is known by, which SIGHUP makes it read again for the connections that come."""
    if not settings.tls_certificate:
        return None
    files = settings.tls_certificate, settings.tls_key
    try:
        context = server_context(*files)
    except ValueError as error:
        raise SettingsError(f"TLS_CERTIFICATE: {error}") from None
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _read_again, context, *files)
    return context


def _read_again(context: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        current = server_context(certificate, key)
    except ValueError as error:
        logger.error("certificate not read again", extra={"reason": str(error)})  # noqa: TRY400 - its reason is all
    else:
        _present(context, current)
        logger.info("certificate read again")


def _present(listening: ssl.SSLContext, current: ssl.SSLContext) -> None:
    """Be known by `current` from now on: a context keeps its first certificate beside one with another kind of key."""

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        del name, context
        connection.context = current

    listening.sni_callback = choose


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT)
