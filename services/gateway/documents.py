"""Documents: the body of a request, read by its format into the operation's shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.gateway.body import TransportFault
from services.gateway.endpoints import Endpoint
from services.gateway.formats import json_format, xml_format
from services.gateway.formats.charsets import UnknownCharset
from services.gateway.formats.format import Format
from services.gateway.formats.negotiation import (
    NotAcceptable,
    UnsupportedMedia,
    charset_of,
    request_format,
    response_format,
)
from shared.contract.accounts import AuthenticateRequest
from shared.contract.reading import read_json, read_xml
from shared.contract.scalars import Unreadable


@dataclass(frozen=True, slots=True)
class Document:
    """A request that could be read: its shape, the API key and token in it, and the format of the answer."""

    request: Any
    secrets: tuple[str, str]
    answer_format: Format
