"""The pipeline: the one handler of every endpoint, from the bytes of a request to the bytes of its answer."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import orjson
from aiohttp import web

from services.gateway.admission import Admission
from services.gateway.body import TransportFault, read_body
from services.gateway.client_address import client_address, networks
from services.gateway.documents import Document, read_document
from services.gateway.endpoints import Endpoint
from services.gateway.formats import xml_writing
from services.gateway.formats.format import Format
from services.gateway.limits import Limiter, LimitReached
from shared import metrics
from shared.bus.caller import Caller
from shared.contract.faults import Fault, Refused
from shared.contract.reading import violation
from shared.contract.writing import to_tree
from shared.settings import Settings
from shared.tracing import trace_id

logger = logging.getLogger(__name__)

_OVERLOADED_SECONDS = 1
_SERVER = "usermessage"
# Writing more than this as XML takes so long that everybody else would wait for it.
_LONG_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class _Answer:
    fault: Fault | None
    body: bytes
    headers: Mapping[str, str]


class Pipeline:
    """Answers requests. While `draining`, every answer ends its connection."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        admission: Admission,
        limiter: Limiter,
        caller: Caller,
        settings: Settings,
    ) -> None:
        self._endpoints = endpoints
        self._admission = admission
        self._limiter = limiter
        self._caller = caller
        self._real_statuses = settings.real_http_statuses
        self._trusted = networks(settings.trusted_proxies)
        self.draining = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        began = time.perf_counter()
        try:
            endpoint = self._endpoint(request)
            document = await self._document(endpoint, request)
        except TransportFault as fault:
            response = _plain(fault)
        else:
            answer = await self._answer(endpoint, document, request)
            metrics.answered(endpoint.operation.name, answer.fault or 0, time.perf_counter() - began)
            response = await self._response(answer, endpoint, document.answer_format)
        if self.draining:
            response.force_close()
        return response

    def _endpoint(self, request: web.BaseRequest) -> Endpoint:
        endpoint = self._endpoints.get(request.raw_path.partition("?")[0])
        if endpoint is None:
            raise TransportFault(HTTPStatus.NOT_FOUND, "there is no such path")
        if request.method != "POST":
            raise TransportFault(HTTPStatus.METHOD_NOT_ALLOWED, "only POST is answered here")
        return endpoint

    async def _document(self, endpoint: Endpoint, request: web.BaseRequest) -> Document:
        body = await read_body(request)
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise TransportFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no content encoding is read here")
        return read_document(endpoint, request.headers.get("Content-Type"), _joined(request, "Accept"), body)

    async def _answer(self, endpoint: Endpoint, document: Document, request: web.BaseRequest) -> _Answer:
        trace = trace_id(request.headers.get("traceparent"))
        headers: dict[str, str] = {}
        try:
            body = await self._run(endpoint, document, self._address(request), trace, headers)
            return _Answer(None, body, headers)
        except Refused as refused:
            fault = refused.fault
            if fault is Fault.TOO_MANY_REQUESTS:
                overloaded = {"Retry-After": str(_OVERLOADED_SECONDS)}
                headers |= refused.headers if isinstance(refused, LimitReached) else overloaded
        except Exception:
            logger.exception("request failed", extra={"operation": endpoint.operation.name, "trace": trace})
            fault = Fault.UNAVAILABLE
        return _Answer(fault, orjson.dumps({"errorCode": int(fault)}), headers)

    async def _run(
        self, endpoint: Endpoint, document: Document, address: str, trace: str, headers: dict[str, str]
    ) -> bytes:
        operation = endpoint.operation
        identity = await self._admission.admit(operation, document.secrets, address, trace)
        if identity.account_id:
            headers |= await self._limiter.account(identity, operation.bucket)
        fault = violation(operation, document.request)
        if fault is not None:
            raise Refused(fault)
        return await self._caller.call(operation, to_tree(document.request), identity, trace)

    def _address(self, request: web.BaseRequest) -> str:
        return client_address(request.remote or "", _joined(request, "X-Forwarded-For"), self._trusted)

    async def _response(self, answer: _Answer, endpoint: Endpoint, answer_format: Format) -> web.Response:
        body = answer.body
        if answer_format is Format.XML:
            write = partial(_to_xml, endpoint, body)
            body = write() if len(body) < _LONG_BYTES else await asyncio.to_thread(write)
        headers = {"Content-Type": answer_format.value, "Server": _SERVER, **answer.headers}
        status = answer.fault.http_status if answer.fault and self._real_statuses else HTTPStatus.OK
        return web.Response(status=status, body=body, headers=headers)


def _joined(request: web.BaseRequest, name: str) -> str | None:
    # A proxy may add a line of its own behind the client's; the first one alone would be the client's word.
    return ",".join(request.headers.getall(name, [])) or None


def _to_xml(endpoint: Endpoint, body: bytes) -> bytes:
    return xml_writing.write(endpoint.answer_element, endpoint.operation.reply, orjson.loads(body))


def _plain(fault: TransportFault) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Server": _SERVER}
    response = web.Response(status=fault.status, body=f"{fault.reason}\n".encode(), headers=headers)
    if fault.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = "POST"
    return response
