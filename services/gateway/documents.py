"""Documents: the body of a request, read by its format into the operation's shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from services.gateway.body import TransportFault
from services.gateway.endpoints import Endpoint
from services.gateway.formats import json_format, xml_format
from services.gateway.formats.charsets import UnknownCharset
from services.gateway.formats.format import Format
from services.gateway.formats.negotiation import NotAcceptable, UnsupportedMedia, negotiate
from shared.contract.accounts import AuthenticateRequest
from shared.contract.reading import read_json, read_xml
from shared.contract.scalars import Unreadable


@dataclass(frozen=True, slots=True)
class Document:
    """A request that could be read: its shape, the secrets in it, and the format of its answer."""

    request: Any
    secrets: AuthenticateRequest
    answer_format: Format


def read_document(endpoint: Endpoint, content_type: str | None, accept: str | None, body: bytes) -> Document:
    """Read a body; raises `TransportFault` with 415, 406 or 400, in that order."""
    try:
        formats = negotiate(endpoint.mount, content_type, accept, body)
        request, secrets = _READERS[formats.request](endpoint, formats.charset, body)
    except (UnsupportedMedia, UnknownCharset) as error:
        raise TransportFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from None
    except NotAcceptable as error:
        raise TransportFault(HTTPStatus.NOT_ACCEPTABLE, str(error)) from None
    except Unreadable as error:
        raise TransportFault(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {error}") from None
    return Document(request, secrets, formats.response)


def _read_json(endpoint: Endpoint, charset: str | None, body: bytes) -> tuple[Any, AuthenticateRequest]:
    tree = json_format.parse(body, charset)
    return read_json(endpoint.operation.request, tree), read_json(AuthenticateRequest, tree)


def _read_xml(endpoint: Endpoint, charset: str | None, body: bytes) -> tuple[Any, AuthenticateRequest]:
    tree = xml_format.parse(body, charset, endpoint.request_element)
    return read_xml(endpoint.operation.request, tree), read_xml(AuthenticateRequest, tree)


_READERS: Mapping[Format, Any] = {Format.JSON: _read_json, Format.XML: _read_xml}
