"""The pipeline: the one handler of every endpoint, from the bytes of a request to the bytes of its answer."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from services.gateway.admission import Admission
from services.gateway.aside import Aside
from services.gateway.body import LONG_BODY, Bodies, TransportFault
from services.gateway.client_address import client_address, networks
from services.gateway.documents import Document, read_document
from services.gateway.endpoints import Endpoint
from services.gateway.formats import xml_writing
from services.gateway.formats.format import Format
from services.gateway.formats.negotiation import NotAcceptable, unread_format
from services.gateway.idempotency import idempotency_key
from services.gateway.limits import Limiter, LimitReached
from services.gateway.unsent import Unsent
from shared.bus.caller import Caller
from shared.contract.faults import Fault, Refused
from shared.contract.operation import AnyOperation
from shared.contract.reading import violation
from shared.contract.writing import to_tree
from shared.metrics import answers
from shared.settings import Settings
from shared.tracing import trace_id

logger = logging.getLogger(__name__)

_OVERLOADED = MappingProxyType({"Retry-After": "1"})
_SERVER = "usermessage"
# Everybody else would wait for more than this to be written as XML.
_LONG_ANSWER = 262_144


@dataclass(frozen=True, slots=True)
class _Call:
    endpoint: Endpoint
    document: Document
    key: str | None
    address: str
    trace: str
    deadline: float

    @property
    def operation(self) -> AnyOperation:
        return self.endpoint.operation


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
        self._reading, self._writing = Aside(), Aside()
        self.bodies = Bodies()
        self.unsent = Unsent(settings.unsent_octets)
        self.draining = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        began = time.perf_counter()
        try:
            endpoint = self._endpoint(request)
            answer, answer_format = await self._answered(endpoint, request)
        except TransportFault as fault:
            answers.transport_fault(fault.status)
            response = plain(fault)
        else:
            answers.answered(endpoint.operation.name, answer.fault or 0, time.perf_counter() - began)
            response = await self._response(answer, endpoint, answer_format)
        if self.draining or request.content.exception():
            response.force_close()
        await self.unsent.send(request, response)
        return response

    async def _answered(self, endpoint: Endpoint, request: web.BaseRequest) -> tuple[_Answer, Format]:
        try:
            call = await self._call(endpoint, request)
        except Refused as refused:
            return _refusal(refused.fault, _OVERLOADED), _unread_format(endpoint, request)
        return await self._answer(call), call.document.answer_format

    async def _call(self, endpoint: Endpoint, request: web.BaseRequest) -> _Call:
        """Return what is asked; raises `Refused` where there is no room or no time to read it."""
        body = await self.bodies.read(request)
        deadline = self._caller.deadline(endpoint.operation)
        address = client_address(request.remote or "", _joined(request, "X-Forwarded-For"), self._trusted)
        document = await self._document(endpoint, request, body, address, deadline)
        key = idempotency_key(endpoint.operation, request)
        trace = trace_id(request.headers.get("traceparent"))
        return _Call(endpoint, document, key, address, trace, deadline)

    def _endpoint(self, request: web.BaseRequest) -> Endpoint:
        endpoint = self._endpoints.get(_path(request.raw_path))
        if endpoint is None:
            raise TransportFault(HTTPStatus.NOT_FOUND, "there is no such path")
        if request.method != "POST":
            raise TransportFault(HTTPStatus.METHOD_NOT_ALLOWED, "only POST is answered here")
        return endpoint

    async def _document(
        self, endpoint: Endpoint, request: web.BaseRequest, body: bytes, address: str, deadline: float
    ) -> Document:
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise TransportFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no content encoding is read here")
        content_type, accept = request.headers.get("Content-Type"), _joined(request, "Accept")
        read = partial(read_document, endpoint, content_type, accept, body)
        if len(body) < LONG_BODY:
            return read()
        with self.bodies.waiting(len(body)):
            try:
                return await self._reading.run(read, address, deadline)
            except TimeoutError:
                raise Refused(Fault.TOO_MANY_REQUESTS) from None

    async def _answer(self, call: _Call) -> _Answer:
        headers: dict[str, str] = {}
        try:
            return _Answer(None, await self._run(call, headers), headers)
        except Refused as refused:
            fault = refused.fault
            if fault is Fault.TOO_MANY_REQUESTS:
                headers |= refused.headers if isinstance(refused, LimitReached) else _OVERLOADED
        except Exception:
            logger.exception("request failed", extra={"operation": call.operation.name, "trace": call.trace})
            fault = Fault.UNAVAILABLE
        return _refusal(fault, headers)

    async def _run(self, call: _Call, headers: dict[str, str]) -> bytes:
        if not self.unsent.room():
            raise Refused(Fault.TOO_MANY_REQUESTS)
        operation, document = call.operation, call.document
        identity = await self._admission.admit(operation, document.secrets, call.address, call.trace, call.deadline)
        if identity.account_id:
            headers |= await self._limiter.account(identity, operation.bucket)
        fault = violation(operation, document.request)
        if fault is not None:
            raise Refused(fault)
        request = to_tree(document.request)
        body = await self._caller.call(operation, request, identity, call.trace, key=call.key, deadline=call.deadline)
        if not self.unsent.room(len(body)):
            # Hundreds may have been under way when the room came to an end.
            raise Refused(Fault.UNAVAILABLE if operation.writes else Fault.TOO_MANY_REQUESTS)
        return body

    async def _response(self, answer: _Answer, endpoint: Endpoint, answer_format: Format) -> web.Response:
        if answer.fault is Fault.KEY_REUSED:
            return plain(TransportFault(answer.fault.http_status, answer.fault.meaning), answer.headers)
        body = answer.body
        if answer_format is Format.XML:
            write = partial(_to_xml, endpoint, body)
            with self.unsent.holding(len(body)):
                body = write() if len(body) < _LONG_ANSWER else await self._writing.run(write)
        headers = {"Content-Type": answer_format.value, "Server": _SERVER, **answer.headers}
        status = answer.fault.http_status if answer.fault and self._real_statuses else HTTPStatus.OK
        return web.Response(status=status, body=body, headers=headers)


def _path(target: str) -> str:
    # A proxy may name the whole address in the request line.
    if not target.startswith("/"):
        target = urlsplit(target).path
    return target.partition("?")[0]


def _joined(request: web.BaseRequest, name: str) -> str | None:
    # A proxy may add a line of its own behind the client's; the first one alone would be the client's word.
    return ",".join(request.headers.getall(name, [])) or None


def _refusal(fault: Fault, headers: Mapping[str, str]) -> _Answer:
    return _Answer(fault, orjson.dumps({"errorCode": int(fault)}), headers)


def _unread_format(endpoint: Endpoint, request: web.BaseRequest) -> Format:
    try:
        return unread_format(endpoint.mount, request.headers.get("Content-Type"), _joined(request, "Accept"))
    except NotAcceptable as error:
        raise TransportFault(HTTPStatus.NOT_ACCEPTABLE, str(error)) from None


def _to_xml(endpoint: Endpoint, body: bytes) -> bytes:
    return xml_writing.write(endpoint.answer_element, endpoint.operation.reply, orjson.loads(body))


def plain(fault: TransportFault, others: Mapping[str, str] = MappingProxyType({})) -> web.Response:
    """Return the answer to a transport fault: one line of text."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Server": _SERVER, **others}
    response = web.Response(status=fault.status, body=f"{fault.reason}\n".encode(), headers=headers)
    if fault.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = "POST"
    return response
